using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting.Tests.Reload;

public sealed class SettingsMonitorTests : IDisposable
{
    private const string Start = "router: {num_experts: 8, min_experts: 2, routing_strategy: threshold, mean_experts_budget: 3}\nmonitoring: {alert_thresholds: {error_rate: 0.1, avg_latency_ms: 100}}\n";

    private readonly YamlBytesSource _file = new(Encoding.UTF8.GetBytes(Start));
    private readonly ListLogger _logger = new();
    private readonly SettingsMonitor _monitor;
    private int _calls;

    public SettingsMonitorTests()
    {
        IConfigurationRoot root = new ConfigurationBuilder().Add(_file)
            .Add(new EnvironmentConfigurationSource { Variables = new Dictionary<string, string> { [EnvironmentVariables.LogLevel] = "info" } }).Build();
        _monitor = new SettingsMonitor(root, () => _logger);
        _monitor.OnChange((_, _) => _calls++);
    }

    public void Dispose() => _monitor.Dispose();

    [Fact]
    public void Reload_WhenALiveSettingChanges_TakesItAndCallsBack()
    {
        DynamicMoESettings before = _monitor.CurrentValue;
        _file.Replace(Start.Replace("0.1", "0.2", StringComparison.Ordinal));

        Assert.Equal((0.1, 0.2, 1), (before.Monitoring.AlertThresholds.ErrorRate, _monitor.CurrentValue.Monitoring.AlertThresholds.ErrorRate, _calls));
        var change = new SettingChange("monitoring.alert_thresholds.error_rate", "0.1", "0.2", new SettingSource(SettingSourceKind.Yaml, Sources.File, 2, 45));
        Assert.Equal([change], _monitor.LastReload!.Applied);
        Assert.Equal(["monitoring.alert_thresholds.error_rate is now 0.2 instead of 0.1 (config.yaml:2:45)."], _logger.Messages);
    }

    [Fact]
    public void Reload_WhenAnotherSettingChanges_LeavesItForTheRestartAndTellsSo()
    {
        DynamicMoESettings before = _monitor.CurrentValue;
        _file.Replace(Start.Replace("num_experts: 8", "num_experts: 16", StringComparison.Ordinal));

        Assert.Same(before, _monitor.CurrentValue);
        Assert.Equal((0, 0), (_calls, _monitor.LastReload!.Applied.Count));
        Assert.Equal(("router.num_experts", "8", "16"), Assert.Single(_monitor.LastReload.AfterRestart) is var change ? (change.Key, change.From, change.To) : default);
        Assert.Equal(["router.num_experts stays 8: 16 (config.yaml:1:23) takes effect after a restart."], _logger.Messages);
    }

    [Fact]
    public void Reload_WhenBothKindsChange_TakesOneAndLeavesTheOther()
    {
        _file.Replace(Start.Replace("num_experts: 8", "num_experts: 16", StringComparison.Ordinal).Replace("budget: 3", "budget: 4.5", StringComparison.Ordinal));

        Assert.Equal((8, 4.5, 1), (_monitor.CurrentValue.Router.NumExperts, _monitor.CurrentValue.Router.MeanExpertsBudget, _calls));
        Assert.Equal((1, 1), (_monitor.LastReload!.Applied.Count, _monitor.LastReload.AfterRestart.Count));
    }

    // Valid by itself; not together with the old num_experts, which stays.
    [Fact]
    public void Reload_WhenTakenAndLeftSettingsContradict_TakesNothing()
    {
        _file.Replace(Start.Replace("num_experts: 8", "num_experts: 16", StringComparison.Ordinal).Replace("budget: 3", "budget: 12", StringComparison.Ordinal));

        Assert.Equal((8, 3, 0), (_monitor.CurrentValue.Router.NumExperts, _monitor.CurrentValue.Router.MeanExpertsBudget, _calls));
        Assert.Contains("router.mean_experts_budget (12", _monitor.LastReload!.Error!.Message, StringComparison.Ordinal);
        Assert.StartsWith("The changed settings are refused", _logger.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Reload_WhenTheBudgetIsTakenAway_LeavesThatForTheRestart()
    {
        _file.Replace(Start.Replace("mean_experts_budget: 3", "mean_experts_budget: null", StringComparison.Ordinal));

        Assert.Equal(3, _monitor.CurrentValue.Router.MeanExpertsBudget);
        Assert.Equal("router.mean_experts_budget", Assert.Single(_monitor.LastReload!.AfterRestart).Key);
    }

    [Theory]
    [InlineData("router: {num_experts: 0}")]
    [InlineData("router: {num_expert: 8}")]
    [InlineData("router: {")]
    [InlineData("router: {min_experts: 3, max_experts: 2}")]
    public void Reload_WhenTheFileIsWrong_ChangesNothingUntilItIsRight(string yaml)
    {
        DynamicMoESettings before = _monitor.CurrentValue;
        _file.Replace(yaml);

        Assert.Same(before, _monitor.CurrentValue);
        Assert.Single(_monitor.LastReload!.Error!.Problems);

        _file.Replace(Start.Replace("0.1", "0.3", StringComparison.Ordinal));
        Assert.Equal((0.3, null), (_monitor.CurrentValue.Monitoring.AlertThresholds.ErrorRate, _monitor.LastReload.Error));
    }

    [Fact]
    public void Reload_WhenAVariableWinsOverTheFile_KeepsIt()
    {
        _file.Replace(Start + "runtime: {log_level: error}\n");

        Assert.Equal(LogLevel.Information, _monitor.CurrentValue.Runtime.LogLevel);
        Assert.Equal((0, 0), (_monitor.LastReload!.Applied.Count, _monitor.LastReload.AfterRestart.Count));
    }

    [Fact]
    public void Reload_WhenASecretChanges_TakesItAndDoesNotLogIt()
    {
        _file.Replace(Start.Replace("monitoring: {", "monitoring: {alert_webhook: 'https://a.example/one', ", StringComparison.Ordinal));
        _file.Replace(Start.Replace("monitoring: {", "monitoring: {alert_webhook: 'https://a.example/two', ", StringComparison.Ordinal));

        Assert.Equal("https://a.example/two", _monitor.CurrentValue.Monitoring.AlertWebhook);
        Assert.Equal((1, 0), (_monitor.LastReload!.Applied.Count, _monitor.LastReload.AfterRestart.Count));
        Assert.DoesNotContain(_logger.Messages, message => message.Contains("/one", StringComparison.Ordinal) || message.Contains("/two", StringComparison.Ordinal));
    }

    [Fact]
    public void OnChange_WhenAListenerThrows_CallsTheOthersAndGoesNoFurther()
    {
        _monitor.OnChange((_, _) => throw new InvalidOperationException("mine"));
        var seen = new List<double>();
        using IDisposable subscription = _monitor.OnChange((settings, name) => seen.Add(settings.Monitoring.AlertThresholds.ErrorRate + name!.Length));

        _file.Replace(Start.Replace("0.1", "0.2", StringComparison.Ordinal));
        subscription.Dispose();
        _file.Replace(Start.Replace("0.1", "0.3", StringComparison.Ordinal));

        Assert.Equal([0.2], seen);
        Assert.Equal(2, _logger.Messages.Count(message => message == "What follows a change of settings failed."));
    }

    // Two live settings change together; whoever reads gets both of one version.
    [Fact]
    public async Task Reload_WhenManyThreadsRead_NeverShowsHalfOfAChange()
    {
        using var stop = new CancellationTokenSource();
        Task<int>[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            int wrong = 0;
            while (!stop.IsCancellationRequested)
            {
                AlertThresholdSettings thresholds = _monitor.CurrentValue.Monitoring.AlertThresholds;
                wrong += thresholds.ErrorRate * 1000 == thresholds.AvgLatencyMs ? 0 : 1;
            }

            return wrong;
        }))];
        for (int i = 1; i <= 200; i++)
            _file.Replace(Start.Replace("error_rate: 0.1, avg_latency_ms: 100", $"error_rate: 0.{i % 2 + 2}, avg_latency_ms: {i % 2 + 2}00", StringComparison.Ordinal));
        await stop.CancelAsync();

        Assert.All(await Task.WhenAll(readers), wrong => Assert.Equal(0, wrong));
        Assert.Equal(200, _calls);
    }

    [Fact]
    public void Reload_WhenTheMonitorIsDisposed_DoesNothing()
    {
        _monitor.Dispose();
        _file.Replace(Start.Replace("0.1", "0.2", StringComparison.Ordinal));

        Assert.Null(_monitor.LastReload);
    }
}
