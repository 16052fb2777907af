namespace DynamicMoE;

/// <summary>How a monitored router is.</summary>
public enum MonitoringStatus
{
    /// <summary>No alert is raised and the breaker is closed.</summary>
    Healthy,

    /// <summary>An alert is raised, or batches get the fallback.</summary>
    Degraded,

    /// <summary>Callers get exceptions: the error rate is above its threshold, or the breaker is open and fails fast.</summary>
    Unhealthy,
}
