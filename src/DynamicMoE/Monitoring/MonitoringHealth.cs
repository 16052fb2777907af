namespace DynamicMoE;

/// <summary>Health of a monitored router.</summary>
/// <param name="Status">All in one.</param>
/// <param name="Checks">Every value beside its threshold, one for each <see cref="AlertKind"/>, in its order.</param>
/// <param name="AlertsRaised">Alerts raised since the router was built.</param>
/// <param name="WebhookDelivered">Alerts that the webhook took.</param>
/// <param name="WebhookFailed">Alerts lost after the last attempt, or refused by the receiver.</param>
/// <param name="WebhookDropped">Alerts lost because too many waited, or because the router was disposed.</param>
/// <param name="LastError">Type and message of the last failure that was not the caller's own mistake; null without one.</param>
public sealed record MonitoringHealth(
    MonitoringStatus Status,
    IReadOnlyList<MonitoringCheck> Checks,
    long AlertsRaised,
    long WebhookDelivered,
    long WebhookFailed,
    long WebhookDropped,
    string? LastError);
