namespace DynamicMoE;

/// <summary>What a host model knows about a batch beside its hidden states. Every member may stay empty. Reuse an instance from call to call;
/// do not change it while a call reads it.</summary>
public sealed class RoutingContext
{
    /// <summary>Complexity scores in [0, 1] that replace the estimator's, <c>[tokens]</c>.</summary>
    public ReadOnlyMemory<float> ComplexityScores { get; set; }

    /// <summary>Experts per token in place of a score, <c>[tokens]</c>, each clamped to MinExperts..MaxExperts. Top-k strategy.</summary>
    public ReadOnlyMemory<int> ExpertCounts { get; set; }

    /// <summary>Threshold per token in place of the router's, <c>[tokens]</c>, each in [0, 1]. Threshold strategy.</summary>
    public ReadOnlyMemory<float> TokenTaus { get; set; }

    /// <summary>Quality dial per sequence, <c>[batch]</c> (the batch's tokens in sequences of equal length), or per token, <c>[tokens]</c>: each in [0, 1],
    /// or NaN for the router's own budget. q asks for a mean of MinExperts + q * (TrainedExperts - MinExperts) experts per token, within the arbiter's floor
    /// and ceilings. Threshold strategy with a budget; excludes <see cref="TokenTaus"/>. Such rows are left out of the mean that the router holds.</summary>
    public ReadOnlyMemory<float> Quality { get; set; }

    /// <summary>Position ids that key the noise, <c>[tokens]</c>. Without them 0, 1, 2...</summary>
    public ReadOnlyMemory<long> Positions { get; set; }

    /// <summary>Usable experts, <c>[NumExperts]</c>: 0 = not usable.</summary>
    public ReadOnlyMemory<byte> ExpertMask { get; set; }

    /// <summary>Most distinct experts of the batch, in place of the router's cap.</summary>
    /// <value>At least 1; below MinExperts the call fails with <see cref="LoadBalancingException"/>. The default, null, is the router's.</value>
    public int? MaxDistinctExperts { get; set; }

    /// <summary>Gradients with respect to the hidden states, <c>[tokens, InputDim]</c>, for gradient_norm.</summary>
    public ReadOnlyMemory<float> Gradients { get; set; }

    /// <summary>Attention weights, <c>[tokens * AttentionHeads, keys]</c>, rows at least 0, for attention_entropy.</summary>
    public ReadOnlyMemory<float> AttentionWeights { get; set; }

    /// <summary>Heads of <see cref="AttentionWeights"/>.</summary>
    /// <value>At least 1. The default is 1.</value>
    public int AttentionHeads { get; set; } = 1;

    /// <summary>Keys that each token sees, <c>[tokens]</c>. Without them every key.</summary>
    public ReadOnlyMemory<int> VisibleKeys { get; set; }

    /// <summary>LM-head logits, <c>[tokens, vocabulary]</c>, for perplexity_proxy.</summary>
    public ReadOnlyMemory<float> LmHeadLogits { get; set; }

    /// <summary>Whether dropout applies.</summary>
    /// <value>The default is false: inference.</value>
    public bool Training { get; set; }

    /// <summary>What a wrapper found out about the rows; null in a caller's own context.</summary>
    internal KnownRows? Known { get; set; }

    /// <summary>Takes over what another context says, or nothing.</summary>
    internal void CopyFrom(RoutingContext? other)
    {
        ComplexityScores = other?.ComplexityScores ?? default;
        ExpertCounts = other?.ExpertCounts ?? default;
        TokenTaus = other?.TokenTaus ?? default;
        Quality = other?.Quality ?? default;
        Positions = other?.Positions ?? default;
        ExpertMask = other?.ExpertMask ?? default;
        MaxDistinctExperts = other?.MaxDistinctExperts;
        Gradients = other?.Gradients ?? default;
        AttentionWeights = other?.AttentionWeights ?? default;
        AttentionHeads = other?.AttentionHeads ?? 1;
        VisibleKeys = other?.VisibleKeys ?? default;
        LmHeadLogits = other?.LmHeadLogits ?? default;
        Training = other?.Training ?? false;
    }
}
