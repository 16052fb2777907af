using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <summary>Options of <see cref="ShadowGuardrail"/>. Checked when the guardrail is built.</summary>
public sealed class GuardrailOptions
{
    /// <summary>Share of tokens that are run again at the trained number of experts.</summary>
    /// <value>Above 0, at most 1. The default is 0.01.</value>
    public double SampleRate { get; set; } = 0.01;

    /// <summary>Chooses which tokens are sampled: the same seed and positions, the same tokens.</summary>
    /// <value>The default is 0.</value>
    public ulong Seed { get; set; }

    /// <summary>Samples of one layer that wait for the worker; more are dropped and counted. Each takes 2 * hidden floats, allocated at once.</summary>
    /// <value>Between 1 and 4096. The default is 32.</value>
    public int QueueCapacity { get; set; } = 32;

    /// <summary>Mean relative L2 error of a layer's output above which the budget floor rises.</summary>
    /// <value>Finite and above 0. The default is 0.2: about what the worst layer of the TinyMoE checkpoint shows at 1.1 experts per token of 2.</value>
    public double DriftLimit { get; set; } = 0.2;

    /// <summary>Mean divergence of next-token distributions, in nats, above which the budget floor rises.</summary>
    /// <value>Finite and above 0. The default is 0.02: between what TinyMoE shows at 1.25 and at 1.1 experts per token of 2.</value>
    public double DivergenceLimit { get; set; } = 0.02;

    /// <summary>A mean below this share of its limit is calm; between the two the floor stays (hysteresis).</summary>
    /// <value>At least 0, below 1. The default is 0.7.</value>
    public double CalmShare { get; set; } = 0.7;

    /// <summary>Samples of one source that a mean is taken over.</summary>
    /// <value>Between 1 and 1000000. The default is 64.</value>
    public int MinimumSamples { get; set; } = 64;

    /// <summary>Calm means in a row after which the floor falls by one step: of every source that ever had <see cref="MinimumSamples"/>, a layer or
    /// the logits, until it is removed.</summary>
    /// <value>Between 1 and 1000000. The default is 4.</value>
    public int CalmWindows { get; set; } = 4;

    /// <summary>Mean experts per token by which the floor rises or falls at a time.</summary>
    /// <value>Finite and above 0. The default is 0.125.</value>
    public double FloorStep { get; set; } = 0.125;

    /// <summary>Whether samples are run on the thread pool. Without it they wait for <see cref="ShadowGuardrail.RunPending"/>.</summary>
    /// <value>The default is true.</value>
    public bool RunInBackground { get; set; } = true;

    /// <summary>Receives the guardrail's messages.</summary>
    /// <value>The default is null: none.</value>
    public ILogger? Logger { get; set; }

    internal GuardrailOptions Validated()
    {
        new OptionRules(nameof(GuardrailOptions))
            .Require(SampleRate is > 0 and <= 1, $"SampleRate ({SampleRate}) must be above 0 and at most 1.")
            .Range(nameof(QueueCapacity), QueueCapacity, 1, 4096)
            .Positive(nameof(DriftLimit), DriftLimit)
            .Positive(nameof(DivergenceLimit), DivergenceLimit)
            .Require(CalmShare is >= 0 and < 1, $"CalmShare ({CalmShare}) must be at least 0 and below 1.")
            .Range(nameof(MinimumSamples), MinimumSamples, 1, 1_000_000)
            .Range(nameof(CalmWindows), CalmWindows, 1, 1_000_000)
            .Positive(nameof(FloorStep), FloorStep)
            .ThrowIfBroken();
        return (GuardrailOptions)MemberwiseClone();
    }
}
