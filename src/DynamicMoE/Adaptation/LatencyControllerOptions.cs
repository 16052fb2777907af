namespace DynamicMoE;

/// <summary>Options of <see cref="LatencyController"/>. Checked when the controller is built.</summary>
public sealed class LatencyControllerOptions
{
    /// <summary>Target of the 95th percentile of one forward call.</summary>
    /// <value>Between 1 microsecond and 60 seconds. Required.</value>
    public TimeSpan Target { get; set; }

    /// <summary>Length of the window that the percentile is taken over.</summary>
    /// <value>Between 1 second and 1 hour. The default is 1 minute.</value>
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Calls that a decision needs at least.</summary>
    /// <value>Between 20 and 1000000. The default is 100.</value>
    public int MinCalls { get; set; } = 100;

    /// <summary>The ceiling is raised only while the percentile is below this share of the target.</summary>
    /// <value>Between 0.1 and 0.95. The default is 0.85.</value>
    public double RaiseBelow { get; set; } = 0.85;

    /// <summary>Smallest change of the ceiling, in experts per token.</summary>
    /// <value>Above 0, at most 16. The default is 0.05.</value>
    public double Step { get; set; } = 0.05;

    /// <summary>The clock.</summary>
    /// <value>The default is that of the system.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal LatencyControllerOptions Validated()
    {
        new OptionRules(nameof(LatencyControllerOptions))
            .Require(Target >= TimeSpan.FromMicroseconds(1) && Target <= TimeSpan.FromSeconds(60), $"Target ({Target}) is outside 00:00:00.000001..00:01:00.")
            .Require(Window >= TimeSpan.FromSeconds(1) && Window <= TimeSpan.FromHours(1), $"Window ({Window}) is outside 00:00:01..01:00:00.")
            .Range(nameof(MinCalls), MinCalls, 20, 1_000_000)
            .Range(nameof(RaiseBelow), RaiseBelow, 0.1, 0.95)
            .Require(Step is > 0 and <= 16, $"Step ({Step}) must be above 0 and at most 16.")
            .Require(TimeProvider is not null, $"TimeProvider must not be null.")
            .ThrowIfBroken();
        return (LatencyControllerOptions)MemberwiseClone();
    }
}
