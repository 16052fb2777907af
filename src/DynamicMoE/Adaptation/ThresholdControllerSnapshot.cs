namespace DynamicMoE;

/// <summary>State of a <see cref="ThresholdController"/>, to be kept and restored.</summary>
/// <param name="Budget">Mean experts per token held.</param>
/// <param name="Tau">Threshold.</param>
/// <param name="Error">Expert-tokens by which the realised mean is behind the budget.</param>
/// <param name="Tokens">Decayed number of tokens in the histogram.</param>
/// <param name="GapCounts">The histogram, bin by bin.</param>
public sealed record ThresholdControllerSnapshot(double Budget, float Tau, double Error, double Tokens, IReadOnlyList<double> GapCounts);
