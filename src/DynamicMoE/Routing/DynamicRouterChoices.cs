namespace DynamicMoE;

/// <summary>What a router makes of its options where they leave a choice.</summary>
internal static class DynamicRouterChoices
{
    /// <summary>The score that is computed inside the routing call, or null when an estimator runs before it.</summary>
    internal static ScoreSource? Fused(DynamicRouterOptions o)
    {
        // A strategy that ignores the score reports the one that costs nothing, unless another was asked for.
        bool unused = o.Strategy != RoutingStrategy.TopK && o.ComplexityEstimator == default;
        return unused ? ScoreSource.RouterMargin
            : o.ComplexityEstimator.Instance is null ? BuiltInEstimators.Fused(o.ComplexityEstimator.Name) : null;
    }

    /// <summary>The gate of a router that is given none.</summary>
    internal static GateOptions Gate(DynamicRouterOptions o) => new()
    {
        InputDim = o.InputDim,
        NumExperts = o.NumExperts,
        TrainedExperts = o.MaxExperts!.Value,
        MaxTokens = o.MaxTokens,
        Threads = o.Threads,
        Isa = o.Isa,
    };

    /// <summary>The arbiter of a router that is given none; null without a budget.</summary>
    internal static BudgetArbiter? Arbiter(DynamicRouterOptions o) => o.MeanExpertsBudget is not double budget ? null
        : new BudgetArbiter(new BudgetArbiterOptions
        {
            Budget = budget, MinExperts = o.MinExperts, MaxExperts = o.MaxExperts!.Value, Name = o.BudgetName, Logger = o.Logger,
        });

    /// <summary>Tells of choices that a caller may not expect.</summary>
    /// <param name="o">Options.</param>
    /// <param name="gate">The gate that the caller gave, or null.</param>
    internal static void Log(DynamicRouterOptions o, GateWeights? gate)
    {
        if (o.Logger is null)
        {
            return;
        }

        if (o.Strategy == RoutingStrategy.TopK && o.ComplexityEstimator == default)
        {
            DynamicMoE.Log.DefaultEstimator(o.Logger);
        }

        if (gate is not null && o.MaxExperts > gate.TrainedExperts)
        {
            DynamicMoE.Log.MoreThanTrained(o.Logger, o.MaxExperts.Value, gate.TrainedExperts);
        }
    }
}
