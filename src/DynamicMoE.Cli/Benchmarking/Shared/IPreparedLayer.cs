namespace DynamicMoE.Cli.Benchmarking;

/// <summary>A layer that waits for calls.</summary>
internal interface IPreparedLayer : IDisposable
{
    /// <summary>Runs one batch: routing, experts and weighted sum. This is what is timed.</summary>
    void Run(int batch);

    /// <summary>Copies the output of the last run, <c>[tokens, hidden]</c>.</summary>
    void CopyOutput(Span<float> output);
}
