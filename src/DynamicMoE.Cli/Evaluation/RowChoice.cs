namespace DynamicMoE.Cli.Evaluation;

/// <summary>Which rows an evaluation has.</summary>
/// <param name="Budgets">Mean experts per token of the dynamic rows.</param>
/// <param name="Name">Name of the only row, or null for all.</param>
internal sealed record RowChoice(IReadOnlyList<double> Budgets, string? Name)
{
    /// <summary>The rows.</summary>
    /// <exception cref="ToolException">A budget exceeds the trained number of experts, or no row has the name.</exception>
    public IReadOnlyList<RoutingRule> Of(int trainedExperts)
    {
        IReadOnlyList<RoutingRule> rules = EvaluationPlan.Rows(trainedExperts, Budgets);
        if (Name is null)
        {
            return rules;
        }

        RoutingRule? rule = rules.FirstOrDefault(rule => rule.Name == Name);
        return rule is not null
            ? [rule]
            : throw new ToolException($"--row '{Name}' is not one of {string.Join(", ", rules.Select(rule => $"'{rule.Name}'"))}");
    }
}
