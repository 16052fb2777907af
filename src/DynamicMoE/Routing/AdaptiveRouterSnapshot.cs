namespace DynamicMoE;

/// <summary>What an <see cref="AdaptiveRouter"/> learnt from UpdateThresholds.</summary>
/// <param name="Offset">Experts by which its thresholds ask for more, within +-(MaxExperts - MinExperts).</param>
/// <param name="MeanPerformance">Running mean of the scores; null before the first.</param>
public sealed record AdaptiveRouterSnapshot(double Offset, double? MeanPerformance);
