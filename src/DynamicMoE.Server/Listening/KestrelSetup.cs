using System.Net;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace DynamicMoE.Server;

/// <summary>Ports and limits of the web server.</summary>
internal static class KestrelSetup
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_handshake = TimeSpan.FromSeconds(10);

    public static void Apply(KestrelServerOptions kestrel, DynamicMoESettings settings, CertificateStore? certificates, ServerAddresses addresses)
    {
        kestrel.AddServerHeader = false;
        // Bodies and answers are never read or written by blocking a thread.
        kestrel.AllowSynchronousIO = false;
        Limit(kestrel.Limits, settings.Server);
        Listen(kestrel, Listener.Api, settings.Server.Bind, settings.Server.Port, certificates, addresses);
        Listen(kestrel, Listener.Health, settings.Server.HealthBind, settings.Monitoring.HealthPort, null, addresses);
        Listen(kestrel, Listener.Metrics, settings.Server.MetricsBind, settings.Monitoring.MetricsPort, null, addresses);
    }

    private static void Limit(KestrelServerLimits limits, ServerSettings settings)
    {
        limits.MaxRequestBodySize = settings.MaxRequestBytes;
        limits.MaxRequestHeadersTotalSize = settings.MaxHeaderBytes;
        limits.MaxRequestHeaderCount = settings.MaxHeaders;
        limits.MaxRequestLineSize = Math.Min(8192, settings.MaxHeaderBytes);
        limits.MaxRequestBufferSize = Math.Max(1 << 20, settings.MaxHeaderBytes);
        limits.MaxConcurrentConnections = settings.MaxConnections;
        limits.MaxConcurrentUpgradedConnections = 0;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(settings.HeaderTimeoutSeconds);
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(settings.KeepAliveSeconds);
        MinDataRate? rate = settings.MinBodyRate == 0 ? null : new MinDataRate(settings.MinBodyRate, s_grace);
        limits.MinRequestBodyDataRate = rate;
        limits.MinResponseDataRate = rate;
    }

    private static void Listen(KestrelServerOptions kestrel, Listener listener, IPAddress address, int port, CertificateStore? certificates, ServerAddresses addresses) =>
        kestrel.Listen(address, port, options =>
        {
            options.Protocols = certificates is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
            var feature = new ListenerFeature(listener);
            options.Use(next => connection =>
            {
                connection.Features.Set(feature);
                return next(connection);
            });
            if (certificates is not null)
            {
                options.UseHttps(new TlsHandshakeCallbackOptions
                {
                    OnConnection = _ => ValueTask.FromResult(certificates.Options),
                    HandshakeTimeout = s_handshake,
                });
            }

            addresses.Add(listener, options, certificates is not null);
        });
}
