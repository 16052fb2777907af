namespace DynamicMoE;

/// <summary>What a guardrail did since it was built.</summary>
/// <param name="Samples">Samples compared.</param>
/// <param name="MeanDrift">Mean relative L2 error of layer outputs over all samples; NaN before the first.</param>
/// <param name="MeanDivergence">Mean divergence of next-token distributions in nats; NaN before the first.</param>
/// <param name="Dropped">Samples that found the queue full.</param>
/// <param name="Failed">Samples that could not be run again.</param>
/// <param name="Floor">Least mean experts per token in force, or null.</param>
/// <param name="Raised">Times that the floor rose.</param>
/// <param name="Lowered">Times that it fell.</param>
public sealed record GuardrailStatus(
    long Samples, double MeanDrift, double MeanDivergence, long Dropped, long Failed, double? Floor, long Raised, long Lowered);
