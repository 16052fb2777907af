using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;

namespace DynamicMoE.Server;

/// <summary>What a request passes on its way to an endpoint.</summary>
internal static class ServerPipeline
{
    /// <summary>Health and metrics end here; the rest is the API's.</summary>
    public static void Apply(WebApplication app, DynamicMoESettings settings)
    {
        app.MapWhen(context => ListenerFeature.Of(context) == Listener.Health, branch => branch.Use(Uncounted).Run(HealthEndpoints.HandleAsync));
        app.MapWhen(
            context => ListenerFeature.Of(context) == Listener.Metrics,
            branch => branch.Use(Uncounted).UseOpenTelemetryPrometheusScrapingEndpoint().Run(Refusal.NotFound.SendAsync));
        Guard(app, settings);
    }

    private static void Guard(WebApplication app, DynamicMoESettings settings)
    {
        var keys = app.Services.GetRequiredService<ApiKeyStore>();
        var instruments = app.Services.GetRequiredService<ServerInstruments>();
        app.Use(next => context =>
        {
            SecurityHeaders.Set(context);
            Caller.Identify(context, keys);
            return next(context);
        });
        app.UseRouting();
        app.UseProblems();
        app.UseRateLimiter();
        app.Use(next => context =>
        {
            Refusal? refusal = AccessRules.Check(context, settings.Security) ?? RequestRules.Check(context.Request, settings.Server.MaxRequestBytes);
            if (refusal is null)
            {
                return next(context);
            }

            instruments.Refused(refusal.Code);
            return refusal.SendAsync(context);
        });
    }

    /// <summary>How a request above the limit is answered.</summary>
    public static ValueTask TooMany(OnRejectedContext rejected, ServerInstruments instruments)
    {
        _ = rejected.Lease.TryGetMetadata(System.Threading.RateLimiting.MetadataName.RetryAfter, out TimeSpan wait);
        var refusal = Refusal.TooMany(wait);
        instruments.Refused(refusal.Code);
        rejected.HttpContext.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(System.Globalization.CultureInfo.InvariantCulture);
        return new ValueTask(refusal.SendAsync(rejected.HttpContext));
    }

    // Probes and scrapes would drown what the callers of the API see.
    private static Task Uncounted(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } tags)
        {
            tags.MetricsDisabled = true;
        }

        return next(context);
    }
}
