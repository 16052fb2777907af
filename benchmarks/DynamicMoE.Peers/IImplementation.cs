namespace DynamicMoE.Peers;

/// <summary>Another way to run the layer; holds the weights in its own form.</summary>
internal interface IImplementation : IDisposable
{
    /// <summary>Name in results, snake_case.</summary>
    string Name { get; }

    /// <summary>Takes one expert's weights; the matrices are valid during the call only.</summary>
    void SetExpert(int index, ExpertMatrices expert);

    /// <summary>Makes everything ready that is not part of a call, tokens in the form it takes included. One at a time may be in use.</summary>
    /// <exception cref="PeerRefusedException">The implementation cannot run this layer.</exception>
    IPreparedLayer Prepare(TokenBatches batches, int threads);
}

/// <summary>A peer cannot run a layer that ours can.</summary>
internal sealed class PeerRefusedException(string message) : Exception(message);
