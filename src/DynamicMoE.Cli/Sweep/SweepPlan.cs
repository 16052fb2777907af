using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Sweep.Scores;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep;

/// <summary>The rows of a sweep.</summary>
internal static class SweepPlan
{
    private const int MostStatic = 4;

    // 1.1, 1.25, 1.5 and 1.75 of a model that was trained with two.
    private static readonly double[] Shares = [0.55, 0.625, 0.75, 0.875];

    /// <summary>Budgets when none are given.</summary>
    public static double[] Budgets(int trained) => [.. Shares.Select(share => Math.Max(1, share * trained)).Distinct()];

    /// <summary>Static rows up to four experts, then every signal at every budget.</summary>
    /// <param name="config">The model's experts.</param>
    /// <param name="budgets">Mean experts per token.</param>
    /// <param name="weighting">Weights of the dynamic rows.</param>
    /// <param name="dividedByLayer">Whether the default divides the budget by the layers' sensitivity, so that equal budgets are the alternative.</param>
    /// <exception cref="ToolException">The model was trained with one expert, or a budget is outside its range.</exception>
    public static IReadOnlyList<SweepRule> Rules(ExpertsConfig config, IEnumerable<double> budgets, Weighting weighting, bool dividedByLayer)
    {
        if (config.PerToken < 2)
        {
            throw new ToolException("--sweep needs a model that was trained with at least 2 experts per token, this one has 1");
        }

        var rules = new List<SweepRule>(StaticRules(config));
        foreach (double budget in budgets.Distinct())
        {
            if (budget < 1 || budget > config.PerToken)
            {
                throw new ToolException(FormattableString.Invariant(
                    $"--budgets {budget} is outside 1..{config.PerToken}, the experts per token that the model was trained with"));
            }

            rules.AddRange(DynamicRules(config, budget, weighting, dividedByLayer));
        }

        return rules;
    }

    private static IEnumerable<SweepRule> StaticRules(ExpertsConfig config)
    {
        IEnumerable<int> counts = Enumerable.Range(1, Math.Min(MostStatic, config.Count)).Append(config.PerToken).Distinct().Order();
        foreach (int count in counts)
        {
            yield return SweepRule.Static(count, count == config.PerToken ? config.Weighting : StaticWeights.Of(config));
            if (count != config.PerToken && config.NormalizeTopK)
            {
                yield return SweepRule.Static(count, Weighting.TrainedScale);
            }
        }
    }

    private static IEnumerable<SweepRule> DynamicRules(ExpertsConfig config, double budget, Weighting weighting, bool dividedByLayer)
    {
        yield return SweepRule.Dynamic(SweepKind.Confidence, SweepRule.Confidence, weighting, budget);
        if (config.NormalizeTopK)
        {
            Weighting other = weighting == Weighting.Renormalize ? Weighting.TrainedScale : Weighting.Renormalize;
            yield return SweepRule.Dynamic(SweepKind.Confidence, SweepRule.Confidence, other, budget);
        }

        yield return dividedByLayer
            ? SweepRule.Dynamic(SweepKind.ConfidenceEqual, SweepRule.ConfidenceEqual, weighting, budget)
            : SweepRule.Dynamic(SweepKind.ConfidenceByLayer, SweepRule.ConfidenceByLayer, weighting, budget);
        yield return SweepRule.Dynamic(SweepKind.TopP, SweepRule.TopP, weighting, budget);
        foreach (string score in TokenScores.Names)
        {
            yield return SweepRule.Dynamic(SweepKind.Score, score, weighting, budget);
        }
    }
}
