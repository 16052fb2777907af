namespace DynamicMoE;

/// <summary>What of an arbiter's budget is not held.</summary>
/// <param name="MissedLayers">Layers whose realised mean has missed the budget for 200 batches.</param>
/// <param name="UnattainableLayers">Layers whose budget no threshold gives; the nearest reachable mean is held there.</param>
/// <param name="GuardrailOverridden">Whether a ceiling is below the guardrail's floor.</param>
public readonly record struct AdaptationHealth(int MissedLayers, int UnattainableLayers, bool GuardrailOverridden)
{
    /// <summary>Whether anything is not held.</summary>
    public bool Degraded => MissedLayers > 0 || UnattainableLayers > 0 || GuardrailOverridden;
}
