namespace DynamicMoE.Hosting;

/// <summary>Tokens for one MoE layer.</summary>
public sealed class LayerRequest
{
    /// <summary>As <see cref="GenerationRequest.Model"/>.</summary>
    /// <value>Null (the default): whatever is served.</value>
    public ServedModelInfo? Model { get; init; }

    /// <summary>Place of the layer among those with experts.</summary>
    /// <value>From 0. The default is 0.</value>
    public int Layer { get; init; }

    /// <summary>Hidden states, <c>[tokens, hidden size]</c>, row-major, finite. Not to be changed before the answer.</summary>
    public required ReadOnlyMemory<float> Hidden { get; init; }

    /// <summary>Rows of <see cref="Hidden"/>.</summary>
    /// <value>At least 1, at most <see cref="ServingSettings.MaxRequestTokens"/>.</value>
    public required int Tokens { get; init; }

    /// <summary>Quality dial: q asks for MinExperts + q * (TrainedExperts - MinExperts) experts per token on average. Excludes <see cref="ExpertsBudget"/>.</summary>
    /// <value>Between 0 and 1; null (the default): the service's budget.</value>
    public float? Quality { get; init; }

    /// <summary>Mean experts per token of this request. Excludes <see cref="Quality"/>.</summary>
    /// <value>Between the layer's MinExperts and TrainedExperts; null (the default): the service's budget.</value>
    public double? ExpertsBudget { get; init; }

    /// <summary>Where a forward's output goes, <c>[tokens, hidden size]</c>. Not to be used before the answer; after a cancellation nothing is written to it any more.</summary>
    /// <value>The default, empty, makes a new array, <see cref="LayerReply.Output"/>.</value>
    public Memory<float> OutputBuffer { get; init; }

    /// <summary>Whether a forward's reply has the routing too.</summary>
    /// <value>The default is false.</value>
    public bool IncludeRouting { get; init; }

    /// <summary>Whether a route's reply has the router's logits.</summary>
    /// <value>The default is false.</value>
    public bool IncludeLogits { get; init; }
}
