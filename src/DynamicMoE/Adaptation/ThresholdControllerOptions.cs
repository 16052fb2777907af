namespace DynamicMoE;

/// <summary>Options of <see cref="ThresholdController"/>. Checked when the controller is built.</summary>
public sealed class ThresholdControllerOptions
{
    /// <summary>Mean experts per token to hold.</summary>
    /// <value>Between <see cref="MinExperts"/> and <see cref="MaxExperts"/>. Required.</value>
    public double Budget { get; set; }

    /// <summary>Experts that every token gets.</summary>
    /// <value>Between 1 and <see cref="MaxExperts"/>. The default is 1.</value>
    public int MinExperts { get; set; } = 1;

    /// <summary>Most experts of a token.</summary>
    /// <value>Between 1 and 4096. Required.</value>
    public int MaxExperts { get; set; }

    /// <summary>Threshold before the first batch.</summary>
    /// <value>Between 0 and 1. The default is 0.3.</value>
    public float InitialTau { get; set; } = 0.3f;

    /// <summary>Tokens after which a sample weighs 1/e in the running histogram.</summary>
    /// <value>Between 64 and 1e9. The default is 2048.</value>
    public double MemoryTokens { get; set; } = 2048;

    /// <summary>Tokens over which an error of the realised mean is made good.</summary>
    /// <value>Between 64 and 1e9. The default is 1024.</value>
    public double CorrectionTokens { get; set; } = 1024;

    internal ThresholdControllerOptions Validated()
    {
        new OptionRules(nameof(ThresholdControllerOptions))
            .Range(nameof(MaxExperts), MaxExperts, 1, Limits.MaxExperts)
            .Range(nameof(MinExperts), MinExperts, 1, Math.Max(1, MaxExperts))
            .Range(nameof(Budget), Budget, MinExperts, MaxExperts)
            .Range(nameof(InitialTau), InitialTau, 0.0, 1.0)
            .Range(nameof(MemoryTokens), MemoryTokens, 64, 1e9)
            .Range(nameof(CorrectionTokens), CorrectionTokens, 64, 1e9)
            .ThrowIfBroken();
        return (ThresholdControllerOptions)MemberwiseClone();
    }
}
