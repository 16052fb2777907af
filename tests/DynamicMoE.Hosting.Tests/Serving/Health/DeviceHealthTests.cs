using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Devices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DynamicMoE.Hosting.Tests.Serving.Health;

[Collection(SimulatedDriver.Collection)]
public sealed class DeviceHealthTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public DeviceHealthTests() => SimulatedDriver.Reset();

    public void Dispose()
    {
        NativeLibraryOptions.CudaDriverPath = null;
        _folder.Dispose();
    }

    [Fact]
    public async Task Device_WhenTheModelIsOnTheProcessor_IsHealthy()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder));

        Assert.Equal((HealthStatus.Healthy, "cpu"), await CheckAsync(host));
    }

    [Fact]
    public async Task Device_WhenTheModelIsOnADevice_IsHealthyUntilTheDeviceFails()
    {
        await using ServiceUnderTest host = await StartAsync("cuda");
        Assert.Equal((HealthStatus.Healthy, "cuda:0"), await CheckAsync(host));

        SimulatedDriver.BreakKernel("dmoe_combine");
        await Assert.ThrowsAsync<BackendException>(() => host.Service.ForwardAsync(new LayerRequest { Hidden = new float[Hidden(host)], Tokens = 1 }));

        (HealthStatus status, string? text) = await CheckAsync(host);
        Assert.Equal(HealthStatus.Unhealthy, status);
        Assert.NotEqual("", text);
    }

    [Fact]
    public async Task Device_WhenTheProcessorHasTakenOver_IsDegraded()
    {
        await using ServiceUnderTest host = await StartAsync("auto");
        SimulatedDriver.BreakKernel("dmoe_combine");

        LayerReply reply = await host.Service.ForwardAsync(new LayerRequest { Hidden = new float[Hidden(host)], Tokens = 1 });

        Assert.Equal(Hidden(host), reply.Output.Length);
        Assert.Equal(HealthStatus.Degraded, (await CheckAsync(host)).Status);
    }

    private Task<ServiceUnderTest> StartAsync(string device) => ServiceUnderTest.StartModelAsync(
        ServiceUnderTest.Checkpoint(_folder), $"runtime: {{device: {device}, cuda_driver: {SimulatedDriver.File}}}");

    private static int Hidden(ServiceUnderTest host) => host.Service.Model.Layers[0].HiddenSize;

    private static async Task<(HealthStatus Status, string? Text)> CheckAsync(ServiceUnderTest host)
    {
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(check => check.Name == "device");
        HealthReportEntry entry = Assert.Single(report.Entries).Value;
        return (entry.Status, entry.Description);
    }
}
