namespace DynamicMoE;

/// <summary>Caller-owned arrays that routing decisions are written to, reused from call to call. One call at a time may use an instance.</summary>
public sealed class RoutingBuffers
{
    /// <summary>Allocates the arrays.</summary>
    /// <param name="maxTokens">Most tokens of a call, 1..16777216; its products with the two sizes below fit into an array.</param>
    /// <param name="slots">Experts per token that fit, at least the router's MaxExperts, 1..4096.</param>
    /// <param name="numExperts">Experts of the router, 1..4096.</param>
    /// <param name="withLogits">Whether to keep raw router scores.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is outside its range.</exception>
    public RoutingBuffers(int maxTokens, int slots, int numExperts, bool withLogits)
    {
        InRange(maxTokens, Limits.MaxBatchTokens, nameof(maxTokens));
        InRange(slots, Limits.MaxExperts, nameof(slots));
        InRange(numExperts, Limits.MaxExperts, nameof(numExperts));
        InRange(maxTokens, MostTokens(slots, withLogits ? numExperts : 1), nameof(maxTokens));
        MaxTokens = maxTokens;
        Slots = slots;
        NumExperts = numExperts;
        ExpertIndices = new int[maxTokens * slots];
        ExpertWeights = new float[maxTokens * slots];
        Gaps = new float[maxTokens * slots];
        ExpertsPerToken = new int[maxTokens];
        ComplexityScores = new float[maxTokens];
        ExpertRoutes = new long[numExperts];
        RouterLogits = withLogits ? new float[maxTokens * numExperts] : [];
    }

    /// <summary>Most tokens of a call.</summary>
    public int MaxTokens { get; }

    /// <summary>Columns of <see cref="ExpertIndices"/>, <see cref="ExpertWeights"/> and <see cref="Gaps"/>.</summary>
    public int Slots { get; }

    /// <summary>Experts of the router.</summary>
    public int NumExperts { get; }

    /// <summary>Whether raw router scores are kept.</summary>
    public bool HasLogits => RouterLogits.Length > 0;

    /// <summary>Selected experts in falling preference, <c>[tokens, Slots]</c>; -1 in unused slots.</summary>
    public int[] ExpertIndices { get; }

    /// <summary>Weights of the selected experts, <c>[tokens, Slots]</c>; 0 in unused slots.</summary>
    public float[] ExpertWeights { get; }

    /// <summary>Experts used, <c>[tokens]</c>.</summary>
    public int[] ExpertsPerToken { get; }

    /// <summary>Complexity scores between 0 and 1, <c>[tokens]</c>.</summary>
    public float[] ComplexityScores { get; }

    /// <summary>Raw router scores, <c>[tokens, NumExperts]</c>; empty when they are not kept.</summary>
    public float[] RouterLogits { get; }

    /// <summary>Logit of the first choice minus that of each choice, <c>[tokens, Slots]</c>, before any stop (sigmoid gates: -ln of the
    /// probabilities' ratio); infinity where no expert is usable.</summary>
    public float[] Gaps { get; }

    /// <summary>Routes of each expert in the last call, <c>[NumExperts]</c>.</summary>
    public long[] ExpertRoutes { get; }

    /// <summary>Selected experts of one token.</summary>
    /// <param name="token">Row of the batch, 0..<see cref="MaxTokens"/>-1.</param>
    /// <returns>The used slots only.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="token"/> is outside its range.</exception>
    public ReadOnlySpan<int> IndicesOf(int token) => ExpertIndices.AsSpan(RowStart(token), ExpertsPerToken[token]);

    /// <summary>Weights of the selected experts of one token.</summary>
    /// <param name="token">Row of the batch, 0..<see cref="MaxTokens"/>-1.</param>
    /// <returns>The used slots only.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="token"/> is outside its range.</exception>
    public ReadOnlySpan<float> WeightsOf(int token) => ExpertWeights.AsSpan(RowStart(token), ExpertsPerToken[token]);

    /// <summary>Makes buffers for a batch of a caller that brings none.</summary>
    /// <exception cref="RoutingValidationException">The batch has more tokens than a call may have or than arrays of decisions can hold.</exception>
    internal static RoutingBuffers For(IRouter router, int tokens, bool withLogits)
    {
        int most = Math.Min(Limits.MaxBatchTokens, MostTokens(router.MaxExperts, withLogits ? router.NumExperts : 1));
        return tokens <= most
            ? new RoutingBuffers(tokens, router.MaxExperts, router.NumExperts, withLogits)
            : throw new RoutingValidationException(
                $"The batch has {tokens} tokens, at most {most} are allowed with {router.MaxExperts} experts per token of {router.NumExperts}.");
    }

    /// <exception cref="RoutingValidationException">The buffers do not fit the router or the batch.</exception>
    internal void RequireFit(IRouter router, int tokens)
    {
        if (tokens > MaxTokens)
        {
            throw new RoutingValidationException($"The batch has {tokens} tokens, the routing buffers hold 1..{MaxTokens}.");
        }

        if (Slots < router.MaxExperts)
        {
            throw new RoutingValidationException($"The routing buffers have {Slots} slots per token, the router needs at least {router.MaxExperts}.");
        }

        if (NumExperts != router.NumExperts)
        {
            throw new RoutingValidationException($"The routing buffers are for {NumExperts} experts, the router has {router.NumExperts}.");
        }
    }

    /// <summary>Copies the decisions for the first tokens, and the logits when both keep them. The other buffers have at least as many slots as are used.</summary>
    internal void CopyTo(RoutingBuffers other, int tokens)
    {
        int columns = Math.Min(Slots, other.Slots);
        for (int token = 0; token < tokens; token++)
        {
            CopyRow(ExpertIndices, other.ExpertIndices, other.Slots, token, columns, -1);
            CopyRow(ExpertWeights, other.ExpertWeights, other.Slots, token, columns, 0f);
            CopyRow(Gaps, other.Gaps, other.Slots, token, columns, float.PositiveInfinity);
        }

        ExpertsPerToken.AsSpan(0, tokens).CopyTo(other.ExpertsPerToken);
        ComplexityScores.AsSpan(0, tokens).CopyTo(other.ComplexityScores);
        ExpertRoutes.CopyTo(other.ExpertRoutes, 0);
        if (HasLogits && other.HasLogits)
        {
            RouterLogits.AsSpan(0, tokens * NumExperts).CopyTo(other.RouterLogits);
        }
    }

    private void CopyRow<T>(T[] from, T[] to, int toSlots, int token, int columns, T unused)
    {
        Span<T> row = to.AsSpan(token * toSlots, toSlots);
        from.AsSpan(token * Slots, columns).CopyTo(row);
        row[columns..].Fill(unused);
    }

    private int RowStart(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, MaxTokens);
        return token * Slots;
    }

    private static int MostTokens(int slots, int logits) => Array.MaxLength / Math.Max(slots, logits);

    private static void InRange(int value, int maximum, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, maximum, name);
    }
}
