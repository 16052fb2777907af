using System.Net;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server;

/// <summary>A host with the service's three ports: API and page, health, metrics.</summary>
public static class ServerHost
{
    // What is accepted is finished first; then connections get this long to read their answers.
    private static readonly TimeSpan s_close = TimeSpan.FromSeconds(5);

    /// <summary>Makes the host; nothing listens before it is started. SIGTERM and SIGINT stop it, and systemd hears when it is ready. Where it listens is in the
    /// service <see cref="ServerAddresses"/>.</summary>
    /// <param name="configuration">Where settings come from; see <see cref="DynamicMoESettings.Read"/>. No other configuration is read.</param>
    /// <param name="options">What else it gets.</param>
    /// <returns>The host.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="configuration"/> is null.</exception>
    /// <exception cref="SettingsException">Settings are not valid, keys or certificate cannot be read, or <c>server.bind</c> is public without
    /// <c>security.api_key_required</c> and <c>security.ssl_enabled</c> while <c>server.insecure</c> is false.</exception>
    public static WebApplication Create(IConfiguration configuration, ServerHostOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        options ??= new ServerHostOptions();
        var settings = DynamicMoESettings.Read(configuration);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = typeof(ServerHost).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
        });
        if (options.ConfigureLogging is { } configure)
        {
            configure(builder.Logging);
        }
        else
        {
            LoggingSetup.Apply(builder.Logging, settings.Server.LogFormat);
        }

        Register(builder.Services, configuration, settings, options);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => KestrelSetup.Apply(
            kestrel,
            settings,
            settings.Security.SslEnabled ? kestrel.ApplicationServices.GetRequiredService<CertificateStore>() : null,
            kestrel.ApplicationServices.GetRequiredService<ServerAddresses>()));
        return Build(builder, settings, options);
    }

    private static WebApplication Build(WebApplicationBuilder builder, DynamicMoESettings settings, ServerHostOptions options)
    {
        WebApplication app = builder.Build();
        try
        {
            // Both are read now, so that a file that is wrong is told before anything listens.
            app.Services.GetRequiredService<ApiKeyStore>();
            if (settings.Security.SslEnabled)
            {
                app.Services.GetRequiredService<CertificateStore>();
            }

            ServerPipeline.Apply(app, settings);
            app.MapApi();
            app.MapDashboard();
            options.MapEndpoints?.Invoke(app);
            Announce(app, settings);
            return app;
        }
        catch
        {
            ((IDisposable)app).Dispose();
            throw;
        }
    }

    private static void Register(IServiceCollection services, IConfiguration configuration, DynamicMoESettings settings, ServerHostOptions options)
    {
        services.AddSingleton(options.TimeProvider);
        services.AddSingleton(configuration);
        DynamicMoEBuilder dynamicMoE = services.AddDynamicMoE(configuration);
        services.AddSystemd();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(settings.Serving.DrainSeconds) + s_close);
        services.AddRoutingCore();
        services.AddSingleton(new ServerAddresses());
        services.AddMetrics();
        services.AddSingleton<ServerInstruments>();
        services.AddSingleton(provider => new ApiKeyStore(settings.Security, options.TimeProvider, Logger(provider), provider.GetRequiredService<ServerInstruments>()));
        services.AddSingleton(provider => new CertificateStore(settings.Security, options.TimeProvider, Logger(provider), provider.GetRequiredService<ServerInstruments>()));
        services.AddSingleton(provider => new CallerLimiter(settings.Security, options.TimeProvider, Logger(provider)));
        services.AddRateLimiter(_ => { });
        services.AddOptions<RateLimiterOptions>().Configure<CallerLimiter, ServerInstruments>((limits, limiter, instruments) =>
        {
            limits.GlobalLimiter = limiter;
            limits.OnRejected = (rejected, _) => ServerPipeline.TooMany(rejected, instruments);
        });
        services.AddHealthChecks().AddCheck<StoppingCheck>("accepting", tags: ["ready"]);
        MetricsSetup.Apply(services, settings.Monitoring);
        options.ConfigureServices?.Invoke(services);
        if (!services.Any(service => service.ServiceType == typeof(IInferenceService)))
        {
            dynamicMoE.AddInferenceService();
        }
    }

    private static void Announce(WebApplication app, DynamicMoESettings settings)
    {
        ILogger logger = Logger(app.Services);
        var addresses = app.Services.GetRequiredService<ServerAddresses>();
        app.Lifetime.ApplicationStarted.Register(() => HostLog.Listening(logger, addresses.Api, addresses.Health, addresses.Metrics));
        if (!IPAddress.IsLoopback(settings.Server.Bind) && !(settings.Security.ApiKeyRequired && settings.Security.SslEnabled))
        {
            HostLog.Insecure(logger, settings.Server.Bind);
        }
    }

    private static ILogger Logger(IServiceProvider services) => services.GetRequiredService<ILoggerFactory>().CreateLogger(HostLog.Category);
}
