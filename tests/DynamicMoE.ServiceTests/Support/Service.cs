using System.Net.Http.Json;
using DynamicMoE.Hosting;
using DynamicMoE.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DynamicMoE.ServiceTests.Support;

/// <summary>The service as it runs, in this process, on ports of the loopback interface that the system chose.</summary>
internal sealed class Service : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Service(WebApplication app)
    {
        _app = app;
        Addresses = app.Services.GetRequiredService<ServerAddresses>();
        Client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            // The certificate is one of the test's own.
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null },
        })
        { BaseAddress = Addresses.Api, Timeout = TimeSpan.FromMinutes(2) };
    }

    public ServerAddresses Addresses { get; }

    public HttpClient Client { get; }

    /// <summary>Starts it and waits until it is ready.</summary>
    public static async Task<Service> StartAsync(params string[] assignments)
    {
        IConfigurationRoot configuration = new ConfigurationBuilder()
            .Add(new EnvironmentConfigurationSource { Variables = new Dictionary<string, string>() })
            .AddDynamicMoECommandLine(["server.port=0", "monitoring.health_port=0", "monitoring.metrics_port=0", .. assignments])
            .Build();
        WebApplication app = ServerHost.Create(configuration, new ServerHostOptions { ConfigureLogging = _ => { } });
        await app.StartAsync();
        var service = new Service(app);
        await Patience.UntilAsync(async () => (await service.Client.GetAsync(new Uri(service.Addresses.Health, "/healthz/ready"))).IsSuccessStatusCode, "ready");
        return service;
    }

    /// <summary>Generates text.</summary>
    public async Task CompleteAsync(string prompt, double quality, int tokens = 24)
    {
        using HttpResponseMessage answer = await Client.PostAsJsonAsync(new Uri("/v1/completions", UriKind.Relative), new { prompt, quality, max_tokens = tokens, temperature = 0.8 });
        answer.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }
}
