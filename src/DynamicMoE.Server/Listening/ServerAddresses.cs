using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DynamicMoE.Server;

/// <summary>Where the service listens. Complete once the host has started; ports that the system chose are then known.</summary>
public sealed class ServerAddresses
{
    private readonly Dictionary<Listener, (ListenOptions Options, string Scheme)> _listeners = [];

    internal ServerAddresses()
    {
    }

    /// <summary>Address of the API and the page.</summary>
    /// <exception cref="InvalidOperationException">The host has not started.</exception>
    public Uri Api => Of(Listener.Api);

    /// <summary>Address of the health checks.</summary>
    /// <exception cref="InvalidOperationException">The host has not started.</exception>
    public Uri Health => Of(Listener.Health);

    /// <summary>Address of the metrics.</summary>
    /// <exception cref="InvalidOperationException">The host has not started.</exception>
    public Uri Metrics => Of(Listener.Metrics);

    internal void Add(Listener listener, ListenOptions options, bool tls) => _listeners[listener] = (options, tls ? "https" : "http");

    private Uri Of(Listener listener)
    {
        if (!_listeners.TryGetValue(listener, out (ListenOptions Options, string Scheme) found) || found.Options.IPEndPoint is not { Port: > 0 } place)
        {
            throw new InvalidOperationException("The host has not started.");
        }

        return new UriBuilder(found.Scheme, place.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{place.Address}]" : $"{place.Address}", place.Port).Uri;
    }
}
