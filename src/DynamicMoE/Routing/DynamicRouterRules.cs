namespace DynamicMoE;

/// <summary>Every rule that router options must obey, those between two options included.</summary>
internal static class DynamicRouterRules
{
    internal static void Check(DynamicRouterOptions o, GateOptions? gate)
    {
        int max = o.MaxExperts!.Value;
        string estimator = o.ComplexityEstimator.Name;
        var rules = new OptionRules(nameof(DynamicRouterOptions))
            .Range(nameof(o.InputDim), o.InputDim, 1, Limits.MaxHidden)
            .Range(nameof(o.NumExperts), o.NumExperts, 1, Limits.MaxExperts)
            .Require(gate is null || o.InputDim == gate.InputDim, $"InputDim ({o.InputDim}) differs from that of the gate weights ({gate?.InputDim}).")
            .Require(gate is null || o.NumExperts == gate.NumExperts, $"NumExperts ({o.NumExperts}) differs from that of the gate weights ({gate?.NumExperts}).")
            .Require(o.MinExperts >= 1, $"MinExperts ({o.MinExperts}) must be at least 1.")
            .Require(o.MinExperts <= max, $"MinExperts ({o.MinExperts}) exceeds MaxExperts ({max}).")
            .Require(max <= o.NumExperts, $"MaxExperts ({max}) exceeds NumExperts ({o.NumExperts}).")
            .Require(o.ComplexityEstimator.Instance is not null || ComplexityEstimators.All.Contains(estimator),
                $"ComplexityEstimator ('{estimator}') is not one of {string.Join(", ", ComplexityEstimators.All)}.")
            .Defined(nameof(o.Strategy), o.Strategy)
            .Defined(nameof(o.Weighting), o.Weighting)
            .Require(o.BalanceStep is > 0 and <= 1, $"BalanceStep ({o.BalanceStep}) must be above 0 and at most 1.")
            .Range(nameof(o.BalanceBound), o.BalanceBound, 0, 1)
            .Defined(nameof(o.BalancingMode), o.BalancingMode)
            .Require(o.WeightPenalty is > 0 and <= 0.5f, $"WeightPenalty ({o.WeightPenalty}) must be above 0 and at most 0.5.")
            .Range(nameof(o.NoiseFactor), o.NoiseFactor, 0, 1)
            .Range(nameof(o.Tau), o.Tau, 0, 1)
            .Require(o.TopP is > 0 and <= 1, $"TopP ({o.TopP}) must be above 0 and at most 1.")
            .Range(nameof(o.MaxTokens), o.MaxTokens, 1, Limits.MaxTokens)
            .Range(nameof(o.Threads), o.Threads, 0, Limits.MaxThreads)
            .Defined(nameof(o.Isa), o.Isa)
            .Require(o.ServiceOf is null || o.ServiceOf.NumExperts == o.NumExperts, $"ServiceOf has {o.ServiceOf?.NumExperts} experts, NumExperts is {o.NumExperts}.")
            .Require(!string.IsNullOrEmpty(o.BudgetName), $"BudgetName must not be empty.");
        if (o.MeanExpertsBudget is double budget)
        {
            rules = rules.Require(o.Strategy == RoutingStrategy.Threshold, $"MeanExpertsBudget ({budget}) needs Strategy Threshold, not {o.Strategy}.")
                .Require(budget >= o.MinExperts && budget <= max, $"MeanExpertsBudget ({budget}) is outside MinExperts..MaxExperts ({o.MinExperts}..{max}).");
        }

        if (o.MaxDistinctExperts is int distinct)
        {
            rules = rules.Range(nameof(o.MaxDistinctExperts), distinct, 1, Math.Max(1, o.NumExperts));
        }

        if (o.Arbiter is { } arbiter)
        {
            rules = rules.Require(o.MeanExpertsBudget is null, $"MeanExpertsBudget ({o.MeanExpertsBudget}) and Arbiter exclude each other.")
                .Require(o.Strategy == RoutingStrategy.Threshold, $"Arbiter needs Strategy Threshold, not {o.Strategy}.")
                .Require(
                    arbiter.MinExperts == o.MinExperts && arbiter.MaxExperts == max,
                    $"MinExperts..MaxExperts ({o.MinExperts}..{max}) differ from those of the arbiter ({arbiter.MinExperts}..{arbiter.MaxExperts}).")
                .Range(nameof(o.ArbiterLayer), o.ArbiterLayer, 0, arbiter.Layers - 1);
        }
        else
        {
            rules = rules.Require(o.ArbiterLayer == 0, $"ArbiterLayer ({o.ArbiterLayer}) needs an Arbiter.");
        }

        if (o.SelectionBias is { } bias)
        {
            rules = rules.Require(bias.Length == o.NumExperts, $"SelectionBias has {bias.Length} elements, NumExperts is {o.NumExperts}.")
                .Require(Array.TrueForAll(bias, float.IsFinite), $"SelectionBias must be finite; element {Array.FindIndex(bias, b => !float.IsFinite(b))} is not.");
        }

        rules.ThrowIfBroken();
    }
}
