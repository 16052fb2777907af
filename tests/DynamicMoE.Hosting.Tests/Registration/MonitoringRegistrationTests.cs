using System.Threading.Channels;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DynamicMoE.Hosting.Tests.Registration;

/// <summary>Monitoring as a container makes it, and what a change of the file does to it.</summary>
[Collection(NativeMemory.Name)]
public sealed class MonitoringRegistrationTests
{
    private const string Router = "router: {input_dim: 16, num_experts: 4}\n";

    [Fact]
    public async Task AlertWebhook_WhenTheFileChanges_GetsTheNextAlertSigned()
    {
        using var receiver = new Receiver();
        var file = new YamlBytesSource(Bytes("monitoring: {alert_thresholds: {memory_usage_mb: 1000000000}}"));
        await using ServiceProvider services = Services(file, builder => builder.ConfigureMonitoring(options =>
        {
            options.CheckInterval = TimeSpan.FromMilliseconds(100);
            if (options.Webhook is { } webhook)
            {
                (webhook.Secret, webhook.Handler) = ("0123456789abcdef", receiver);
            }
        }));
        var monitored = Assert.IsType<MonitoredRouter>(services.GetRequiredService<IRouter>());
        var settings = services.GetRequiredService<SettingsMonitor>();

        file.Replace(Bytes("monitoring: {alert_webhook: 'http://alerts.test/x', alert_thresholds: {memory_usage_mb: 0.001}}"));

        Assert.Empty(settings.LastReload!.AfterRestart);
        (string host, bool signed) = await receiver.Next();
        Assert.Equal(("alerts.test", true), (host, signed));
        await monitored.DisposeAsync();
        Assert.Equal(1, monitored.GetMonitoringSummary().Health.WebhookDelivered);
    }

    [Fact]
    public void Follow_WhenSettingsChangedSince_CallsAtOnce()
    {
        var file = new YamlBytesSource(Bytes(""));
        using ServiceProvider services = Services(file, _ => { });
        var monitor = services.GetRequiredService<SettingsMonitor>();
        DynamicMoESettings before = monitor.CurrentValue;
        List<double> seen = [];
        monitor.Follow(before, Note);
        Assert.Empty(seen);

        file.Replace(Bytes("monitoring: {alert_thresholds: {error_rate: 0.5}}"));
        monitor.Follow(before, Note);

        Assert.Equal([0.5, 0.5], seen);

        void Note(DynamicMoESettings settings) => seen.Add(settings.Monitoring.AlertThresholds.ErrorRate);
    }

    [Fact]
    public void ConfigureMonitoring_WhenTheChangeIsNull_IsRefused() => Assert.Throws<ArgumentNullException>(
        () => new ServiceCollection().AddDynamicMoE(new ConfigurationBuilder().Build()).ConfigureMonitoring(null!));

    private static byte[] Bytes(string yaml) => System.Text.Encoding.UTF8.GetBytes(Router + yaml);

    private static ServiceProvider Services(YamlBytesSource file, Action<DynamicMoEBuilder> configure)
    {
        var services = new ServiceCollection();
        configure(services.AddDynamicMoE(new ConfigurationBuilder().Add(file).Build()));
        return services.BuildServiceProvider();
    }

    private sealed class Receiver : HttpMessageHandler
    {
        private readonly Channel<(string Host, bool Signed)> _requests = Channel.CreateUnbounded<(string, bool)>();

        // One that never comes fails the test instead of stopping the run.
        public async Task<(string Host, bool Signed)> Next() => await _requests.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            _requests.Writer.TryWrite((request.RequestUri!.Host, request.Headers.Contains("webhook-signature")));
            return Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.NoContent));
        }
    }
}
