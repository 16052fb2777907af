using System.Diagnostics;

namespace DynamicMoE;

/// <summary>Names of the activity source and its spans. One span per batch of a router or layer under a <see cref="MonitoredRouter"/>, none per token.</summary>
public static class MoETraces
{
    /// <summary>The activity source.</summary>
    public const string SourceName = "DynamicMoE";

    /// <summary>Span of a batch of a layer: routing and experts.</summary>
    public const string Forward = "dynamicmoe.forward";

    /// <summary>Span of a batch of a router.</summary>
    public const string Route = "dynamicmoe.route";

    /// <summary>Event on the span in progress: the breaker moved; attribute <c>dynamicmoe.breaker.state</c>.</summary>
    public const string BreakerMoved = "dynamicmoe.breaker_moved";

    internal static readonly ActivitySource Source = new(SourceName);
}
