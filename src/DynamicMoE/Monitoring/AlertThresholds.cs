namespace DynamicMoE;

/// <summary>Values above which a <see cref="MonitoredRouter"/> raises an alert; the names are those of config.yaml. Figures are those of the window.</summary>
public sealed class AlertThresholds
{
    /// <summary>Mean time of a call, in milliseconds.</summary>
    /// <value>Finite and above 0; null = no alert. The default is 50.</value>
    public double? AvgLatencyMs { get; set; } = 50;

    /// <summary>Share of calls that failed; the caller's own mistakes count neither as calls nor as failures.</summary>
    /// <value>Between 0 and 1; null = no alert. The default is 0.05.</value>
    public double? ErrorRate { get; set; } = 0.05;

    /// <summary>Population variance of the experts' shares of routes: 0 when all experts are used alike, (E - 1) / E^2 when one of E does it all.</summary>
    /// <value>Between 0 and 1; null = no alert. The default is 0.1.</value>
    public double? LoadBalanceVariance { get; set; } = 0.1;

    /// <summary>Memory of the process, in MiB.</summary>
    /// <value>Finite and above 0; null = no alert. The default is 1000.</value>
    public double? MemoryUsageMb { get; set; } = 1000;

    internal OptionRules Rules(OptionRules rules) => rules
        .Require(AvgLatencyMs is null || (AvgLatencyMs > 0 && double.IsFinite(AvgLatencyMs.Value)), $"AvgLatencyMs ({AvgLatencyMs}) must be finite and above 0.")
        .Require(ErrorRate is null or (>= 0 and <= 1), $"ErrorRate ({ErrorRate}) is outside 0..1.")
        .Require(LoadBalanceVariance is null or (>= 0 and <= 1), $"LoadBalanceVariance ({LoadBalanceVariance}) is outside 0..1.")
        .Require(MemoryUsageMb is null || (MemoryUsageMb > 0 && double.IsFinite(MemoryUsageMb.Value)), $"MemoryUsageMb ({MemoryUsageMb}) must be finite and above 0.");

    internal AlertThresholds Copy() => (AlertThresholds)MemberwiseClone();
}
