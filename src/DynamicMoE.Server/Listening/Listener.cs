using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>The ports of the service.</summary>
internal enum Listener
{
    /// <summary>API and page.</summary>
    Api,

    /// <summary>Health checks.</summary>
    Health,

    /// <summary>Metrics.</summary>
    Metrics,
}

/// <summary>Which port a connection came in by. The connection itself carries it, so that nothing that a caller sends can change it.</summary>
internal sealed record ListenerFeature(Listener Listener)
{
    public static Listener Of(HttpContext context) =>
        context.Features.Get<ListenerFeature>()?.Listener ?? throw new InvalidOperationException("The connection came in by none of the service's ports.");
}
