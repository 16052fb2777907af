using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server;

/// <summary>Puts the API into an application.</summary>
internal static class ApiEndpoints
{
    private static readonly string[] Get = [HttpMethods.Get], Post = [HttpMethods.Post];

    /// <summary>Maps everything below <c>/v1</c>. Needs <see cref="IInferenceService"/>, <see cref="SettingsMonitor"/>, and
    /// <see cref="ProblemMiddleware.UseProblems"/> in front.</summary>
    public static void MapApi(this IEndpointRouteBuilder app)
    {
        IServiceProvider services = app.ServiceProvider;
        var service = services.GetRequiredService<IInferenceService>();
        var settings = services.GetRequiredService<SettingsMonitor>();
        TimeProvider time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger(Log.Category);

        var layers = new LayerEndpoints(service, settings);
        app.Map("/v1/route", Post, layers.RouteAsync);
        app.Map("/v1/forward", Post, layers.ForwardAsync);

        var completions = new CompletionEndpoints(service, time, logger);
        app.Map("/v1/completions", Post, completions.CompleteAsync).WithMetadata(OpenAiEndpoint.Instance);
        app.Map("/v1/chat/completions", Post, completions.ChatAsync).WithMetadata(OpenAiEndpoint.Instance);

        var models = new ModelEndpoints(service);
        app.Map("/v1/models", Get, models.ListAsync).WithMetadata(OpenAiEndpoint.Instance);
        app.Map("/v1/models/{**id}", Get, models.GetAsync).WithMetadata(OpenAiEndpoint.Instance);

        var stats = new StatsEndpoints(service, time, services.GetService<IHostApplicationLifetime>());
        app.Map("/v1/stats", Get, stats.GetAsync);
        app.Map("/v1/stats/stream", Get, stats.StreamAsync);
        app.Map("/v1/feedback", Post, new FeedbackEndpoint(service).RunAsync).WithMetadata(AdminEndpoint.Instance);
        app.Map("/v1/openapi.json", Get, OpenApiEndpoint.SendAsync);

        var admin = new AdminEndpoints(service, settings, services.GetRequiredService<IConfiguration>(), logger);
        app.Map("/v1/admin/reload", Post, admin.ReloadAsync).WithMetadata(AdminEndpoint.Instance);
        app.Map("/v1/admin/config/reload", Post, admin.ReloadConfigurationAsync).WithMetadata(AdminEndpoint.Instance);
        app.Map("/v1/admin/freeze", Post, admin.FreezeAsync).WithMetadata(AdminEndpoint.Instance);
        app.Map("/v1/admin/thaw", Post, admin.ThawAsync).WithMetadata(AdminEndpoint.Instance);
        app.Map("/v1/admin/cache/clear", Post, admin.ClearCacheAsync).WithMetadata(AdminEndpoint.Instance);
    }

    // The overload with a bare delegate: nothing is bound by reflection.
    private static IEndpointConventionBuilder Map(this IEndpointRouteBuilder app, string pattern, string[] methods, RequestDelegate run) =>
        app.MapMethods(pattern, methods, run);
}
