namespace DynamicMoE.Peers;

/// <summary>One way to run the layer; holds the weights in its own form.</summary>
internal interface IImplementation : IDisposable
{
    /// <summary>Name in results, snake_case.</summary>
    string Name { get; }

    /// <summary>Makes everything ready that is not part of a call, tokens in the form it takes included. One at a time may be in use.</summary>
    IPreparedLayer Prepare(TokenBatches batches, int threads);
}

/// <summary>A layer that waits for calls.</summary>
internal interface IPreparedLayer : IDisposable
{
    /// <summary>Runs one batch: routing, experts and weighted sum. This is what is timed.</summary>
    void Run(int batch);

    /// <summary>Copies the output of the last run, <c>[tokens, hidden]</c>.</summary>
    void CopyOutput(Span<float> output);
}
