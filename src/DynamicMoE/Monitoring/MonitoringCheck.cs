namespace DynamicMoE;

/// <summary>One value beside its threshold.</summary>
/// <param name="Alert">What is compared.</param>
/// <param name="Value">The value now.</param>
/// <param name="Limit">The threshold; null = none is set.</param>
/// <param name="Passed">Whether no alert is raised for it.</param>
/// <param name="Since">When the alert was raised; null without one.</param>
public sealed record MonitoringCheck(AlertKind Alert, double Value, double? Limit, bool Passed, DateTimeOffset? Since);
