using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server;

/// <summary>What a host of the service gets beside its settings.</summary>
public sealed class ServerHostOptions
{
    /// <summary>Registers services of the host's own: a layer or a model to serve, or another <c>IInferenceService</c>, which then brings its own health checks
    /// with the tags <c>live</c>, <c>ready</c> and <c>startup</c>.</summary>
    /// <value>The default is null: what <c>serving.model</c> says is served, else the router of the settings.</value>
    public Action<IServiceCollection>? ConfigureServices { get; set; }

    /// <summary>Maps more endpoints on the API's port; the other ports have none but their own.</summary>
    /// <value>The default is null: none.</value>
    public Action<IEndpointRouteBuilder>? MapEndpoints { get; set; }

    /// <summary>Adds log targets.</summary>
    /// <value>The default, null, is the console's error stream, as <c>server.log_format</c> says.</value>
    public Action<ILoggingBuilder>? ConfigureLogging { get; set; }

    /// <summary>The clock of rate limits and of the files that are read again.</summary>
    /// <value>The default is the system's.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
