namespace DynamicMoE;

/// <summary>Options of <see cref="AdaptiveRouter"/>.</summary>
public sealed class AdaptiveRouterOptions : DynamicRouterOptions
{
    /// <summary>Change of the offset per unit of performance.</summary>
    /// <value>Above 0, at most 1. The default is 0.01.</value>
    public double AdaptationRate { get; set; } = 0.01;

    /// <summary>Weight of the newest score in the running mean of performance.</summary>
    /// <value>Above 0, at most 1. The default is 0.1.</value>
    public double PerformanceSmoothing { get; set; } = 0.1;

    internal AdaptiveRouterOptions Checked()
    {
        new OptionRules(nameof(AdaptiveRouterOptions))
            .Require(AdaptationRate is > 0 and <= 1, $"AdaptationRate ({AdaptationRate}) must be above 0 and at most 1.")
            .Require(PerformanceSmoothing is > 0 and <= 1, $"PerformanceSmoothing ({PerformanceSmoothing}) must be above 0 and at most 1.")
            .ThrowIfBroken();
        return this;
    }
}
