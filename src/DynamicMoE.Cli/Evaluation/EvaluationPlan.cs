namespace DynamicMoE.Cli.Evaluation;

/// <summary>The rows of an evaluation.</summary>
internal static class EvaluationPlan
{
    /// <summary>Static at the trained number of experts, static top-1, then one dynamic row per budget.</summary>
    /// <exception cref="ToolException">A budget exceeds the trained number of experts.</exception>
    public static IReadOnlyList<RoutingRule> Rows(int trainedExperts, IEnumerable<double> budgets)
    {
        var rules = new List<RoutingRule> { RoutingRule.Static(trainedExperts) };
        if (trainedExperts > 1)
        {
            rules.Add(RoutingRule.Static(1));
        }

        foreach (double budget in budgets.Distinct())
        {
            if (budget > trainedExperts)
            {
                throw new ToolException(FormattableString.Invariant(
                    $"--budgets {budget} is outside 1..{trainedExperts}, the experts per token that the model was trained with"));
            }

            rules.Add(RoutingRule.Dynamic(budget, trainedExperts));
        }

        return rules;
    }
}
