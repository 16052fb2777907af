namespace DynamicMoE;

/// <summary>Rows with a quality of their own: their thresholds, and how they are left out of the mean that the router holds.</summary>
internal static class QualityRows
{
    /// <exception cref="RoutingValidationException">Quality does not fit the router, the batch or its range.</exception>
    internal static void Check(RoutingContext context, int tokens, bool hasBudget)
    {
        ReadOnlySpan<float> quality = context.Quality.Span;
        if (!hasBudget)
        {
            throw new RoutingValidationException("Quality needs a router with a budget: Strategy Threshold and MeanExpertsBudget or Arbiter.");
        }

        if (!context.TokenTaus.IsEmpty)
        {
            throw new RoutingValidationException("Quality and TokenTaus exclude each other.");
        }

        if (tokens % quality.Length != 0)
        {
            throw new RoutingValidationException($"Quality has {quality.Length} elements; the batch's {tokens} tokens cannot be divided into as many sequences.");
        }

        for (int i = 0; i < quality.Length; i++)
        {
            if (quality[i] is not (>= 0 and <= 1) && !float.IsNaN(quality[i]))
            {
                throw new RoutingValidationException($"Quality of sequence {i} is {quality[i]}, outside 0..1.");
            }
        }
    }

    /// <summary>Fills in the threshold of each row.</summary>
    /// <param name="router">With a controller.</param>
    /// <param name="layer">The router's place among those of its arbiter.</param>
    /// <param name="quality">One per sequence; NaN = none of its own.</param>
    /// <param name="tau">Threshold of rows without a quality.</param>
    /// <param name="taus">[out] One per token.</param>
    internal static ReadOnlySpan<float> Taus(DynamicRouter router, int layer, ReadOnlySpan<float> quality, float tau, Span<float> taus)
    {
        int rows = taus.Length / quality.Length;
        for (int i = 0; i < quality.Length; i++)
        {
            bool repeated = i > 0 && quality[i] == quality[i - 1];
            float own = repeated ? taus[(i * rows) - 1] : float.IsNaN(quality[i]) ? tau : TauOf(router, layer, quality[i]);
            taus.Slice(i * rows, rows).Fill(own);
        }

        return taus;
    }

    /// <summary>Counts of the rows that ran under the router's own threshold; -1 for the others, empty when there are only others.</summary>
    internal static ReadOnlySpan<int> CountsForTheMean(RouteScratch scratch, int tokens, RoutingBuffers buffers, RoutingContext? context)
    {
        ReadOnlySpan<int> counts = buffers.ExpertsPerToken.AsSpan(0, tokens);
        if (context is null || (context.TokenTaus.IsEmpty && context.Quality.IsEmpty))
        {
            return counts;
        }

        if (context.Quality.IsEmpty)
        {
            return default;
        }

        Span<int> shared = scratch.Counts(tokens);
        ReadOnlySpan<float> quality = context.Quality.Span;
        int rows = tokens / quality.Length;
        for (int token = 0; token < tokens; token++)
        {
            shared[token] = float.IsNaN(quality[token / rows]) ? counts[token] : -1;
        }

        return shared;
    }

    private static float TauOf(DynamicRouter router, int layer, float quality)
    {
        BudgetArbiter arbiter = router.Arbiter!;
        double asked = router.MinExperts + (quality * (double)(router.TrainedExperts - router.MinExperts));
        return router.Controller!.TauFor(arbiter.LayerBudgetFor(layer, arbiter.DecideFor(asked).Effective));
    }
}
