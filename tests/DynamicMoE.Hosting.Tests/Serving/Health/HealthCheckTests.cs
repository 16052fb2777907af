using DynamicMoE.Models;
using DynamicMoE.TestKit.Checkpoints;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace DynamicMoE.Hosting.Tests.Serving.Health;

[Collection(Registration.NativeMemory.Name)]
public sealed class HealthCheckTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Probes_WhileTheModelIsLoaded_SayAliveAndNeitherReadyNorStarted()
    {
        using var gate = new ManualResetEventSlim();
        using IHost host = await StartGatedAsync(gate);

        Assert.Equal((HealthStatus.Healthy, HealthStatus.Unhealthy, HealthStatus.Unhealthy), await ProbesAsync(host.Services));

        gate.Set();
        while (host.Services.GetRequiredService<IInferenceService>().State == ServiceState.Starting)
        {
            await Task.Yield();
        }

        Assert.Equal((HealthStatus.Healthy, HealthStatus.Healthy, HealthStatus.Healthy), await ProbesAsync(host.Services));

        await host.StopAsync();
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Unhealthy, HealthStatus.Healthy), await ProbesAsync(host.Services));
    }

    // The engine hears of the end from the host's lifetime, before the service's own token is cancelled.
    [Fact]
    public async Task Stop_WhileTheModelIsLoaded_IsNoFailure()
    {
        using var gate = new ManualResetEventSlim();
        using IHost host = await StartGatedAsync(gate);
        var service = (InferenceService)host.Services.GetRequiredService<IInferenceService>();

        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        gate.Set();
        await service.ExecuteTask!;

        Assert.NotEqual(ServiceState.Failed, service.State);
        await host.StopAsync();
    }

    // A host whose model is loaded once the gate is open.
    private async Task<IHost> StartGatedAsync(ManualResetEventSlim gate)
    {
        string path = ServiceUnderTest.Checkpoint(_folder);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddDynamicMoE(new Sources { Yaml = "" }.Build()).AddModel("gated", options =>
        {
            gate.Wait();
            return MoEModel.Load(path, options);
        });
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private static async Task<(HealthStatus Live, HealthStatus Ready, HealthStatus Startup)> ProbesAsync(IServiceProvider services)
    {
        var checks = services.GetRequiredService<HealthCheckService>();
        return (await StatusAsync(checks, "live"), await StatusAsync(checks, "ready"), await StatusAsync(checks, "startup"));
    }

    private static async Task<HealthStatus> StatusAsync(HealthCheckService checks, string tag) =>
        (await checks.CheckHealthAsync(check => check.Tags.Contains(tag))).Status;
}
