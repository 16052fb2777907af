using System.Globalization;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Server.Tests.Metrics;

public sealed class MetricsTests
{
    [Fact]
    public async Task Probe()
    {
        using var folder = new TemporaryDirectory();
        TestCertificates.Write(folder["cert"], folder["key"]);
        await using RunningServer server = await RunningServer.StartAsync();
        await server.Client.GetStringAsync("/v1/hello");
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = 16, NumExperts = 4 });
        using MonitoredRouter watched = router.WithMonitoring();
        watched.Route(new float[32 * 16], 32, new RoutingBuffers(32, 4, 4, withLogits: false));
        string text = await server.Client.GetStringAsync(new Uri(server.Addresses.Metrics, "/metrics"));
        await File.WriteAllTextAsync("/tmp/metrics.txt", text);
        Assert.Equal("", 1.ToString(CultureInfo.InvariantCulture)[..0]);
    }
}
