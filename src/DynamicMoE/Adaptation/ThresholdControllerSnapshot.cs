namespace DynamicMoE;

/// <summary>State of a <see cref="ThresholdController"/>, to be kept (as JSON, if so wished) and restored. The window of realised means is not part of it.</summary>
/// <param name="Budget">Mean experts per token held.</param>
/// <param name="Tau">Threshold.</param>
/// <param name="Error">Expert-tokens by which the realised mean is behind the budget.</param>
/// <param name="Tokens">Decayed number of tokens in the histogram.</param>
/// <param name="ZeroGaps">Decayed number of gaps of 0.</param>
/// <param name="GapCounts">The histogram, bin by bin.</param>
/// <param name="Atoms">Gaps that many tokens share, at most one per bin.</param>
public sealed record ThresholdControllerSnapshot(
    double Budget, float Tau, double Error, double Tokens, double ZeroGaps, IReadOnlyList<double> GapCounts, IReadOnlyList<GapAtom> Atoms)
{
    internal OptionRules Rules(ThresholdControllerOptions options) => new OptionRules(nameof(ThresholdControllerSnapshot))
        .Range(nameof(Budget), Budget, options.MinExperts, options.MaxExperts)
        .Range(nameof(Tau), Tau, 0.0, 1.0)
        .Require(double.IsFinite(Error), $"Error ({Error}) must be finite.")
        .Range(nameof(Tokens), Tokens, 0, double.MaxValue)
        .Range(nameof(ZeroGaps), ZeroGaps, 0, double.MaxValue)
        .Require(GapCounts?.Count == GapHistogram.Bins, $"GapCounts has {GapCounts?.Count ?? 0} bins, {GapHistogram.Bins} are needed.")
        .Require(GapCounts is null || GapCounts.All(count => count >= 0 && double.IsFinite(count)), $"GapCounts must be finite and at least 0.")
        .Require(
            Atoms is not null && Atoms.All(a => a.Gap > 0 && float.IsFinite(a.Gap) && a.Count >= 0 && double.IsFinite(a.Count) && a.Votes >= 0 && double.IsFinite(a.Votes)),
            $"Atoms must be there, their gaps above 0 and finite, counts and votes finite and at least 0.");
}
