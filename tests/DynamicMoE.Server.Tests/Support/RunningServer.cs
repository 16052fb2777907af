using System.Net.Sockets;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server.Tests;

/// <summary>The host as it runs, on ports of the loopback interface that the system chose, without the environment of the test process.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RunningServer(WebApplication app, MessageLog log)
    {
        (_app, Log) = (app, log);
        Addresses = app.Services.GetRequiredService<ServerAddresses>();
        Client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Addresses.Api };
    }

    public ServerAddresses Addresses { get; }

    public MessageLog Log { get; }

    /// <summary>Asks the API.</summary>
    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public static IConfigurationRoot Configuration(params string[] assignments) => new ConfigurationBuilder()
        .Add(new EnvironmentConfigurationSource { Variables = new Dictionary<string, string>() })
        .AddDynamicMoECommandLine(["server.port=0", "monitoring.health_port=0", "monitoring.metrics_port=0", .. assignments])
        .Build();

    public static Task<RunningServer> StartAsync(params string[] assignments) => StartAsync(new ServerHostOptions(), assignments);

    /// <summary>Starts it with the endpoints of <see cref="Map"/> and those of the options.</summary>
    public static async Task<RunningServer> StartAsync(ServerHostOptions options, params string[] assignments)
    {
        var log = new MessageLog();
        Action<IEndpointRouteBuilder>? more = options.MapEndpoints;
        options.MapEndpoints = routes =>
        {
            Map(routes);
            more?.Invoke(routes);
        };
        Action<IServiceCollection>? services = options.ConfigureServices;
        options.ConfigureServices = added =>
        {
            added.AddSingleton<IInferenceService>(new FakeInferenceService());
            services?.Invoke(added);
        };
        options.ConfigureLogging = logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log);
        WebApplication app = ServerHost.Create(Configuration(assignments), options);
        await app.StartAsync();
        return new RunningServer(app, log);
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    /// <summary>Sends bytes as they are and returns what comes back until the server closes.</summary>
    public async Task<string> RawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(Addresses.Api.Host, Addresses.Api.Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(request));
        return await ReadToEndAsync(stream);
    }

    public static async Task<string> ReadToEndAsync(Stream stream)
    {
        using var text = new MemoryStream();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        try
        {
            await stream.CopyToAsync(text, patience.Token);
        }
        catch (IOException)
        {
            // A connection that is reset ends as one that is closed does.
        }

        return System.Text.Encoding.Latin1.GetString(text.ToArray());
    }

    private static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/hello", (HttpContext context) => context.Response.WriteAsync("hello"));
        routes.MapGet("/open", (HttpContext context) => context.Response.WriteAsync("open")).AllowAnonymous();
        routes.MapPost("/v1/admin", (HttpContext context) => context.Response.WriteAsync("changed")).WithMetadata(AdminEndpoint.Instance);
        routes.MapPost("/v1/echo", async (HttpContext context) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            await context.Response.WriteAsync($"{body.Length}");
        });
    }
}
