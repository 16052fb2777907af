namespace DynamicMoE;

/// <summary>An alert that begins or ends.</summary>
/// <param name="Id">Differs from alert to alert; the same in every attempt to deliver one.</param>
/// <param name="Router">Name of the router.</param>
/// <param name="Alert">What it is about.</param>
/// <param name="State">Whether it begins or ends.</param>
/// <param name="Value">The value at that moment.</param>
/// <param name="Limit">The threshold.</param>
/// <param name="Timestamp">Time of day, by the clock of the options.</param>
public sealed record MonitoringAlert(
    string Id, string Router, AlertKind Alert, AlertState State, double Value, double Limit, DateTimeOffset Timestamp);
