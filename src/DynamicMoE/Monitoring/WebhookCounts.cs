namespace DynamicMoE;

/// <summary>What became of a router's alerts, over all webhooks that it had.</summary>
internal sealed class WebhookCounts
{
    /// <summary>Alerts that the receiver took.</summary>
    internal long Delivered;

    /// <summary>Alerts given up.</summary>
    internal long Failed;

    /// <summary>Alerts that never came to their turn.</summary>
    internal long Dropped;
}
