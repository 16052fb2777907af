namespace DynamicMoE.Tests.Support;

/// <summary>Gates for tests.</summary>
internal static class Gates
{
    /// <summary>A gate of unit rows: the hidden states are the logits, exactly.</summary>
    public static GateWeights Identity(int experts, Action<GateOptions>? configure = null)
    {
        var weights = new float[experts * experts];
        for (int expert = 0; expert < experts; expert++)
        {
            weights[expert * experts + expert] = 1;
        }

        var options = new GateOptions { InputDim = experts, NumExperts = experts };
        configure?.Invoke(options);
        return GateWeights.Create(weights, default, options);
    }
}
