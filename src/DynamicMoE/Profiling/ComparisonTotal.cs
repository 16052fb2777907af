namespace DynamicMoE;

/// <summary>One candidate over all scopes of a comparison.</summary>
/// <param name="Name">Name of the candidate.</param>
/// <param name="Scopes">Scopes, for instance layers.</param>
/// <param name="MeanExpertsPerToken">Mean over the tokens of all scopes.</param>
/// <param name="ProductFlops">Operations of matrix products of a pass.</param>
/// <param name="FlopsSaving">1 - products / products of the first candidate.</param>
/// <param name="WeightBytes">Bytes of weights, each once per batch and scope.</param>
/// <param name="BytesSaving">1 - bytes / bytes of the first candidate.</param>
/// <param name="Seconds">Sum of the scopes' median times.</param>
/// <param name="TimeRatio">Seconds over those of the first candidate.</param>
/// <param name="MeanOutputDifference">Mean over the scopes, each against the first candidate on the same input.</param>
public sealed record ComparisonTotal(
    string Name,
    int Scopes,
    double MeanExpertsPerToken,
    double ProductFlops,
    double FlopsSaving,
    double WeightBytes,
    double BytesSaving,
    double Seconds,
    double TimeRatio,
    double MeanOutputDifference)
{
    internal static IReadOnlyList<ComparisonTotal> Of(IReadOnlyList<StrategyComparison> results)
    {
        int scopes = results.Select(result => result.Scope).Distinct().Count();
        StrategyComparison[][] candidates = [.. results.GroupBy(result => result.Name).Where(group => group.Count() == scopes).Select(group => group.ToArray())];
        return [.. candidates.Select(own => Sum(own, candidates[0]))];
    }

    private static ComparisonTotal Sum(StrategyComparison[] own, StrategyComparison[] first)
    {
        double products = own.Sum(result => result.ProductFlops), bytes = own.Sum(result => result.WeightBytes);
        double seconds = own.Sum(result => result.Timing.MedianSeconds);
        return new ComparisonTotal(
            own[0].Name,
            own.Length,
            own.Sum(result => result.MeanExpertsPerToken * result.Tokens) / own.Sum(result => result.Tokens),
            products,
            1 - (products / first.Sum(result => result.ProductFlops)),
            bytes,
            1 - (bytes / first.Sum(result => result.WeightBytes)),
            seconds,
            seconds / first.Sum(result => result.Timing.MedianSeconds),
            own.Average(result => result.OutputDifference));
    }
}
