using System.Numerics.Tensors;
using DynamicMoE.TestKit.Checkpoints;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace DynamicMoE.Hosting.Tests.Registration;

[Collection(NativeMemory.Name)]
public sealed class AddDynamicMoETests
{
    private const string Small = "router: {input_dim: 16, num_experts: 4, min_experts: 1, max_experts: 2}\n";

    [Fact]
    public void Router_WhenSettingsDescribeOne_IsThatRouterOnce()
    {
        using ServiceProvider services = Services(Small);
        var router = services.GetRequiredService<IRouter>();

        Assert.Equal((16, 4, 1, 2), (router.InputDim, router.NumExperts, router.MinExperts, router.MaxExperts));
        Assert.Same(router, services.GetRequiredService<IRouter>());
        Assert.IsType<DynamicRouter>(services.GetRequiredService<DynamicRouter>());
        Assert.Equal([1, 3, 2], router.Route(Tensor.Create(new float[3 * 16], [1, 3, 16])).ExpertIndices.Lengths);
    }

    [Fact]
    public void AddModel_RegistersAChatClientUnlessThereIsOne()
    {
        using var own = new ServiceChatClient(new HttpClient());
        using IHost made = Built(_ => { });
        using IHost kept = Built(services => services.AddSingleton<IChatClient>(own));

        Assert.IsType<InferenceChatClient>(made.Services.GetRequiredService<IChatClient>());
        Assert.Same(own, kept.Services.GetRequiredService<IChatClient>());

        static IHost Built(Action<IServiceCollection> before)
        {
            HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
            before(builder.Services);
            builder.Services.AddDynamicMoE(new Sources { Yaml = Small }.Build()).AddModel("none", _ => throw new InvalidOperationException());
            return builder.Build();
        }
    }

    [Fact]
    public void Router_WhenAdaptive_IsAnAdaptiveRouter()
    {
        using ServiceProvider services = Services("router: {input_dim: 16, num_experts: 4, adaptive: true}");

        Assert.IsType<AdaptiveRouter>(services.GetRequiredService<DynamicRouter>());
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("router: {adaptive: true}", true)]
    public void Router_WhenGateWeightsAreRegistered_TakesItsSizesFromThem(string yaml, bool adaptive)
    {
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = 24, NumExperts = 6, TrainedExperts = 2 }, 1);
        using ServiceProvider services = Services(yaml, add => add.AddSingleton(gate));
        var router = services.GetRequiredService<IRouter>();

        Assert.Equal((24, 6, 2, adaptive), (router.InputDim, router.NumExperts, router.MaxExperts, services.GetRequiredService<DynamicRouter>() is AdaptiveRouter));
        Assert.Same(gate, services.GetRequiredService<DynamicRouter>().Gate);
    }

    // The key itself reaches the sender of alerts: one that it cannot use is refused there.
    [Fact]
    public void Router_WhenTheAlertSecretIsNoKey_SaysSo()
    {
        using ServiceProvider services = Services(Small + "monitoring: {alert_webhook: 'http://127.0.0.1/', alert_secret: whsec_not-base64-at-all}");

        Assert.Contains("Webhook.Secret must be a key", Assert.Throws<RouterConfigurationException>(services.GetRequiredService<IRouter>).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Router_WhenItsSizesAreNowhere_SaysWhatIsMissing()
    {
        using ServiceProvider services = Services("router: {min_experts: 1}");

        Assert.Equal(
            "default: router.input_dim is not set and no GateWeights are registered that would tell it, must be a whole number in 1..1048576, or null\n"
            + "default: router.num_experts is not set and no GateWeights are registered that would tell it, must be a whole number in 1..4096, or null",
            Assert.Throws<SettingsException>(services.GetRequiredService<IRouter>).Message);
    }

    [Fact]
    public void Router_WhenItsOptionsAreConfigured_HasThem()
    {
        using ServiceProvider services = Services(Small, configure: builder => builder
            .ConfigureRouter(options => options.Seed = 5)
            .ConfigureRouter(options => options.ComplexityEstimator = new Constant()));
        var router = services.GetRequiredService<DynamicRouter>();

        Assert.Equal("constant", router.EstimatorName);
        Assert.NotNull(router.Estimator);
    }

    [Fact]
    public void Router_WhenOneIsRegisteredAlready_IsLeft()
    {
        using var own = new DynamicRouter(new DynamicRouterOptions { InputDim = 8, NumExperts = 2 });
        using ServiceProvider services = Services(Small, add => add.AddSingleton<IRouter>(own));

        Assert.Same(own, services.GetRequiredService<IRouter>());
    }

    [Fact]
    public void Router_WhenTheContainerIsDisposed_GivesItsMemoryBack()
    {
        long before = RuntimeInfo.Query().AllocatedBytes;
        ServiceProvider services = Services(Small);
        var router = services.GetRequiredService<IRouter>();
        Assert.NotEqual(before, RuntimeInfo.Query().AllocatedBytes);
        services.Dispose();

        Assert.Equal(before, RuntimeInfo.Query().AllocatedBytes);
        Assert.Throws<ObjectDisposedException>(() => router.Route(Tensor.Create(new float[16], [1, 16])));
    }

    [Fact]
    public void Router_WhenTheBudgetChanges_Follows()
    {
        var file = new YamlBytesSource("router: {input_dim: 16, num_experts: 4, routing_strategy: threshold, mean_experts_budget: 2}"u8.ToArray());
        using ServiceProvider services = Services(new ConfigurationBuilder().Add(file).Build());
        BudgetArbiter arbiter = services.GetRequiredService<DynamicRouter>().Arbiter!;

        file.Replace("router: {input_dim: 16, num_experts: 4, routing_strategy: threshold, mean_experts_budget: 2.5}");

        Assert.Equal(2.5, arbiter.Budget);
    }

    [Fact]
    public void Options_WhenAskedForInAnyWay_AreTheMonitors()
    {
        using ServiceProvider services = Services(Small);
        var monitor = services.GetRequiredService<SettingsMonitor>();

        Assert.Same(monitor, services.GetRequiredService<IOptionsMonitor<DynamicMoESettings>>());
        Assert.Same(monitor.CurrentValue, services.GetRequiredService<IOptions<DynamicMoESettings>>().Value);
        using IServiceScope scope = services.CreateScope();
        Assert.Same(monitor.CurrentValue, scope.ServiceProvider.GetRequiredService<IOptionsSnapshot<DynamicMoESettings>>().Get("any"));
    }

    [Fact]
    public async Task Host_WhenSettingsAreWrong_DoesNotStartAndNamesAll()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.Sources.Add(new YamlBytesSource("router: {tau: 2, top: 1}"u8.ToArray()));
        builder.Services.AddDynamicMoE(builder.Configuration);
        using IHost host = builder.Build();

        SettingsException error = await Assert.ThrowsAsync<SettingsException>(() => host.StartAsync());
        Assert.Equal(["config.yaml:1:15", "config.yaml:1:18"], error.Problems.Select(problem => problem.Source.ToString()));
    }

    [Fact]
    public void Router_WhenEverythingIsOn_IsMonitoredAroundACacheAroundAnAutoscaler()
    {
        using ServiceProvider services = Services(Small + "optimization: {cache_size: 64, max_workers: 2}\nmonitoring: {alert_thresholds: {error_rate: 0.5}}\n");

        var monitored = Assert.IsType<MonitoredRouter>(services.GetRequiredService<IRouter>());
        var cached = Assert.IsType<CachedRouter>(monitored.Inner);
        Assert.Equal(64, cached.GetCacheStats().MaxSize);
        Assert.Same(services.GetRequiredService<DynamicRouter>(), Assert.IsType<OptimizedRouter>(cached.Inner).Inner);
        Assert.Equal(0.5, monitored.GetMonitoringSummary().Health.Checks.Single(check => check.Alert == AlertKind.ErrorRate).Limit);
    }

    [Fact]
    public void Router_WhenEverythingIsOff_KeepsCallsToOneThread()
    {
        using ServiceProvider services = Services(
            Small + "optimization: {enable_autoscaling: false, enable_parallel: false, enable_caching: false}\nmonitoring: {enable_monitoring: false}\n");

        var optimized = Assert.IsType<OptimizedRouter>(services.GetRequiredService<IRouter>());
        Assert.Same(services.GetRequiredService<DynamicRouter>(), optimized.Inner);
        AutoscalerStatus status = optimized.GetOptimizationStats().Autoscaler;
        Assert.Equal((false, 1, 1), (status.Enabled, status.Workers, status.MaxWorkers));
    }

    // The lines of src/DynamicMoE.Hosting/README.md.
    [Fact]
    public async Task Readme_WhenItsExampleRuns_GivesTheRouterOfTheFile()
    {
        using var directory = new TemporaryDirectory();
        string path = directory["config.yaml"];
        await File.WriteAllTextAsync(path, "router: {input_dim: 16, num_experts: 4, min_experts: 1}");
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);

        builder.Configuration
            .AddDynamicMoEYaml(path, reloadInterval: TimeSpan.FromSeconds(5))
            .AddDynamicMoEEnvironment()
            .AddDynamicMoECommandLine(["router.min_experts=2"]);
        builder.Services.AddDynamicMoE(builder.Configuration);
        using IHost host = builder.Build();
        await host.StartAsync();
        var router = host.Services.GetRequiredService<IRouter>();

        Assert.Equal((16, 4, 2), (router.InputDim, router.NumExperts, router.MinExperts));
        await host.StopAsync();
    }

    [Fact]
    public async Task Host_WhenSettingsAreRight_StartsWithoutMakingARouter()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.Sources.Add(new YamlBytesSource(""u8.ToArray()));
        builder.Services.AddDynamicMoE(builder.Configuration);
        using IHost host = builder.Build();

        await host.StartAsync();
        await host.StopAsync();
    }

    [Fact]
    public void LogLevel_WhenSet_HoldsForOurCategoriesAndFollowsChanges()
    {
        var file = new YamlBytesSource("runtime: {log_level: error}"u8.ToArray());
        using ServiceProvider services = Services(new ConfigurationBuilder().Add(file).Build(), add => add.AddLogging(logging => logging.AddProvider(new ListLogger())));
        var loggers = services.GetRequiredService<ILoggerFactory>();
        ILogger ours = loggers.CreateLogger("DynamicMoE.DynamicRouter"), other = loggers.CreateLogger("Other");

        Assert.Equal((false, true, true), (ours.IsEnabled(LogLevel.Warning), ours.IsEnabled(LogLevel.Error), other.IsEnabled(LogLevel.Information)));
        file.Replace("runtime: {log_level: debug}");
        Assert.Equal((true, false), (ours.IsEnabled(LogLevel.Debug), other.IsEnabled(LogLevel.Debug)));
    }

    [Fact]
    public void Logging_WhenSettingsAreWrong_StillWorks()
    {
        using ServiceProvider services = Services("router: {tau: 2}", add => add.AddLogging(logging => logging.AddProvider(new ListLogger())));

        Assert.True(services.GetRequiredService<ILoggerFactory>().CreateLogger("DynamicMoE").IsEnabled(LogLevel.Information));
        Assert.Throws<SettingsException>(services.GetRequiredService<SettingsMonitor>);
    }

    [Fact]
    public void AddDynamicMoE_WhenAnArgumentIsNull_IsRefused()
    {
        Assert.Throws<ArgumentNullException>(() => new ServiceCollection().AddDynamicMoE(null!));
        Assert.Throws<ArgumentNullException>(() => DynamicMoEServiceCollectionExtensions.AddDynamicMoE(null!, new ConfigurationBuilder().Build()));
        Assert.Throws<ArgumentNullException>(() => new ServiceCollection().AddDynamicMoE(new ConfigurationBuilder().Build()).ConfigureRouter(null!));
    }

    private static ServiceProvider Services(string yaml, Action<IServiceCollection>? add = null, Action<DynamicMoEBuilder>? configure = null) =>
        Services(new Sources { Yaml = yaml }.Build(), add, configure);

    private static ServiceProvider Services(IConfigurationRoot configuration, Action<IServiceCollection>? add = null, Action<DynamicMoEBuilder>? configure = null)
    {
        var services = new ServiceCollection();
        add?.Invoke(services);
        DynamicMoEBuilder builder = services.AddDynamicMoE(configuration);
        configure?.Invoke(builder);
        return services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
    }

    private sealed class Constant() : ComplexityEstimator(new EstimatorOptions { Normalize = false })
    {
        public override string Name => "constant";

        public override void Estimate(in EstimationInput input, Span<float> raw) => raw.Fill(0.5f);
    }
}

/// <summary>Tests that look at the native library's counters run one at a time, and with nothing beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class NativeMemory
{
    public const string Name = "native memory";
}
