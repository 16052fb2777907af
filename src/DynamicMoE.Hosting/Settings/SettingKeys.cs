using System.Net;
using static DynamicMoE.Hosting.SettingTypes;

namespace DynamicMoE.Hosting;

/// <summary>Every setting, in the order of the file. config.yaml and the README beside it have the same list, which a test compares.</summary>
internal static class SettingKeys
{
    private const int MostExperts = 4096, MostHidden = 1_048_576, MostTokens = 1_048_576, MostThreads = 1024;

    internal static readonly SettingKey<SettingsPreset> Preset = new("preset", SettingTypes.Preset, SettingsPreset.None);

    internal static readonly SettingKey<int?> InputDim = new("router.input_dim", Optional(Whole(1, MostHidden)), null);
    internal static readonly SettingKey<int?> NumExperts = new("router.num_experts", Optional(Whole(1, MostExperts)), null);
    internal static readonly SettingKey<int> MinExperts = new("router.min_experts", Whole(1, MostExperts), 1);
    internal static readonly SettingKey<int?> MaxExperts = new("router.max_experts", Optional(Whole(1, MostExperts)), null);
    internal static readonly SettingKey<string> ComplexityEstimator = new("router.complexity_estimator", Estimator, ComplexityEstimators.GradientNorm);
    internal static readonly SettingKey<RoutingStrategy> RoutingStrategy = new("router.routing_strategy", Strategy, DynamicMoE.RoutingStrategy.TopK);
    internal static readonly SettingKey<bool?> LoadBalancing = new("router.load_balancing", Optional(Switch), null);
    internal static readonly SettingKey<float> NoiseFactor = new("router.noise_factor", Single(0, 1), 0);
    internal static readonly SettingKey<bool> Adaptive = new("router.adaptive", Switch, false);
    internal static readonly SettingKey<double> AdaptationRate = new("router.adaptation_rate", Above(0, 1), 0.01);
    internal static readonly SettingKey<double> PerformanceSmoothing = new("router.performance_smoothing", Above(0, 1), 0.1);
    internal static readonly SettingKey<Weighting> Weighting = new("router.weighting", SettingTypes.Weighting, DynamicMoE.Weighting.Renormalize);
    internal static readonly SettingKey<LoadBalancingMode> BalancingMode =
        new("router.balancing_mode", SettingTypes.BalancingMode, LoadBalancingMode.SelectionBias);
    internal static readonly SettingKey<float> BalanceStep = new("router.balance_step", SingleAbove(0, 1), 0.001f);
    internal static readonly SettingKey<float> BalanceBound = new("router.balance_bound", Single(0, 1), 0.05f);
    internal static readonly SettingKey<float> WeightPenalty = new("router.weight_penalty", SingleAbove(0, 0.5f), 0.1f);
    internal static readonly SettingKey<float> Tau = new("router.tau", Single(0, 1), 0.3f);
    internal static readonly SettingKey<float> TopP = new("router.top_p", SingleAbove(0, 1), 0.9f);
    internal static readonly SettingKey<double?> MeanExpertsBudget =
        new("router.mean_experts_budget", Optional(Real(1, MostExperts)), null) { Reload = ReloadRule.LiveWhileSet };
    internal static readonly SettingKey<int?> MaxDistinctExperts = new("router.max_distinct_experts", Optional(Whole(1, MostExperts)), null);
    internal static readonly SettingKey<ulong> Seed = new("router.seed", Whole(0, ulong.MaxValue), 0);
    internal static readonly SettingKey<int> MaxTokens = new("router.max_tokens", Whole(1, MostTokens), 512);
    internal static readonly SettingKey<int> Threads = new("router.threads", Whole(0, MostThreads), 0);

    internal static readonly SettingKey<bool> Normalize = new("router.estimator.normalize", Switch, true);
    internal static readonly SettingKey<float> Epsilon = new("router.estimator.epsilon", SingleAbove(0, 1), 1e-8f);
    internal static readonly SettingKey<double> Percentile = new("router.estimator.percentile", Above(0, 100), 90);
    internal static readonly SettingKey<double> SmoothingFactor = new("router.estimator.smoothing_factor", Above(0, 1), 0.1);
    internal static readonly SettingKey<HeadAggregation> HeadAggregation =
        new("router.estimator.head_aggregation", SettingTypes.HeadAggregation, DynamicMoE.HeadAggregation.Mean);
    internal static readonly SettingKey<float> Temperature = new("router.estimator.temperature", SingleAbove(0, 1000), 1);

    internal static readonly SettingKey<bool> EnableAutoscaling =
        new("optimization.enable_autoscaling", Switch, true) { Variable = EnvironmentVariables.Autoscale };
    internal static readonly SettingKey<bool> EnableParallel = new("optimization.enable_parallel", Switch, true);
    internal static readonly SettingKey<bool> EnableCaching =
        new("optimization.enable_caching", Switch, true) { Variable = EnvironmentVariables.EnableCaching };
    internal static readonly SettingKey<int> MaxWorkers =
        new("optimization.max_workers", Whole(1, MostThreads), 4) { Variable = EnvironmentVariables.MaxWorkers };
    internal static readonly SettingKey<int> CacheSize =
        new("optimization.cache_size", Whole(3, 16_777_216), 1000) { Variable = EnvironmentVariables.CacheSize };
    internal static readonly SettingKey<bool> CacheAdaptive = new("optimization.cache_adaptive", Switch, true);
    internal static readonly SettingKey<double> CacheTtlSeconds = new("optimization.cache_ttl_seconds", Real(0.001, 31_536_000), 300);

    internal static readonly SettingKey<bool> EnableMonitoring =
        new("monitoring.enable_monitoring", Switch, true) { Variable = EnvironmentVariables.EnableMonitoring };
    internal static readonly SettingKey<bool> EnableCircuitBreaker = new("monitoring.enable_circuit_breaker", Switch, true);
    internal static readonly SettingKey<double> AvgLatencyMs = new("monitoring.alert_thresholds.avg_latency_ms", Above(0, 3_600_000), 50) { Reload = ReloadRule.Live };
    internal static readonly SettingKey<double> ErrorRate = new("monitoring.alert_thresholds.error_rate", Real(0, 1), 0.05) { Reload = ReloadRule.Live };
    internal static readonly SettingKey<double> LoadBalanceVariance =
        new("monitoring.alert_thresholds.load_balance_variance", Real(0, 1), 0.1) { Reload = ReloadRule.Live };
    internal static readonly SettingKey<double> MemoryUsageMb =
        new("monitoring.alert_thresholds.memory_usage_mb", Above(0, 1_000_000_000), 1000) { Reload = ReloadRule.Live };
    internal static readonly SettingKey<string> AlertWebhook =
        new("monitoring.alert_webhook", Address, "") { Variable = EnvironmentVariables.AlertWebhook, Secret = true, Reload = ReloadRule.Live };
    internal static readonly SettingKey<string?> AlertSecret =
        new("monitoring.alert_secret", OptionalObject(SettingTypes.Secret), null) { Variable = EnvironmentVariables.AlertSecret, Secret = true };
    internal static readonly SettingKey<int> MetricsPort =
        new("monitoring.metrics_port", SettingTypes.Port, 9090) { Variable = EnvironmentVariables.MetricsPort };
    internal static readonly SettingKey<int> HealthPort =
        new("monitoring.health_port", SettingTypes.Port, 8080) { Variable = EnvironmentVariables.HealthPort };
    internal static readonly SettingKey<string> OtlpEndpoint = new("monitoring.otlp_endpoint", Address, "") { Secret = true };

    internal static readonly SettingKey<int> NumRuns = new("benchmarking.num_runs", Whole(1, 1_000_000), 100);
    internal static readonly SettingKey<int> WarmupRuns = new("benchmarking.warmup_runs", Whole(0, 1_000_000), 10);
    internal static readonly SettingKey<IReadOnlyList<int>> BatchSizes = new("benchmarking.batch_sizes", Wholes(1, 65536), [1, 8, 16, 32]);
    internal static readonly SettingKey<IReadOnlyList<int>> SequenceLengths = new("benchmarking.sequence_lengths", Wholes(1, MostTokens), [128, 256, 512]);
    internal static readonly SettingKey<IReadOnlyList<int>?> HiddenDims = new("benchmarking.hidden_dims", OptionalObject(Wholes(1, MostHidden)), null);
    internal static readonly SettingKey<IReadOnlyList<int>?> NumExpertsList = new("benchmarking.num_experts_list", OptionalObject(Wholes(1, MostExperts)), null);
    internal static readonly SettingKey<IReadOnlyList<int>?> MinExpertsList = new("benchmarking.min_experts_list", OptionalObject(Wholes(1, MostExperts)), null);
    internal static readonly SettingKey<IReadOnlyList<int>?> MaxExpertsList = new("benchmarking.max_experts_list", OptionalObject(Wholes(1, MostExperts)), null);
    internal static readonly SettingKey<string> OutputDir = new("benchmarking.output_dir", SettingTypes.Path, "benchmark_results");

    internal static readonly SettingKey<Microsoft.Extensions.Logging.LogLevel?> LogLevel =
        new("runtime.log_level", Optional(SettingTypes.LogLevel), null) { Variable = EnvironmentVariables.LogLevel, Reload = ReloadRule.Live };
    internal static readonly SettingKey<InstructionSet> Isa = new("runtime.isa", SettingTypes.Isa, InstructionSet.Auto) { Variable = EnvironmentVariables.Isa };
    internal static readonly SettingKey<string?> NativePath =
        new("runtime.native_path", OptionalObject(SettingTypes.Path), null) { Variable = EnvironmentVariables.NativePath };
    internal static readonly SettingKey<ComputeDevice> Device =
        new("runtime.device", SettingTypes.ComputeDevice, ComputeDevice.Cpu) { Variable = EnvironmentVariables.Device };
    internal static readonly SettingKey<bool> CpuFallback = new("runtime.cpu_fallback", Switch, false);
    internal static readonly SettingKey<string?> CudaDriver = new("runtime.cuda_driver", OptionalObject(SettingTypes.Path), null) { Variable = EnvironmentVariables.CudaDriver };

    internal static readonly SettingKey<string?> Model = new("serving.model", OptionalObject(SettingTypes.Path), null);
    internal static readonly SettingKey<string?> ModelRoot = new("serving.model_root", OptionalObject(SettingTypes.Path), null);
    internal static readonly SettingKey<WeightFormat?> WeightFormat = new("serving.weight_format", Optional(SettingTypes.WeightFormat), null);
    internal static readonly SettingKey<int> QueueCapacity = new("serving.queue_capacity", Whole(1, 1_048_576), 1024);
    internal static readonly SettingKey<int> QueueTokens = new("serving.queue_tokens", Whole(1, 1_073_741_824), 65_536);
    internal static readonly SettingKey<int> MaxRequestTokens = new("serving.max_request_tokens", Whole(1, MostTokens), 8192);
    internal static readonly SettingKey<int> MaxBatchTokens = new("serving.max_batch_tokens", Whole(1, 65_536), 512);
    internal static readonly SettingKey<int> BatchDelay = new("serving.batch_delay_us", Whole(0, 1_000_000), 200);
    internal static readonly SettingKey<int> MaxSequences = new("serving.max_sequences", Whole(1, 4096), 32);
    internal static readonly SettingKey<int?> MaxPositions = new("serving.max_positions", Optional(Whole(1, MostTokens)), null);
    internal static readonly SettingKey<int?> SequenceMemory = new("serving.sequence_memory_mb", Optional(Whole(1, 1_073_741_824)), null);
    internal static readonly SettingKey<double> HighWater = new("serving.high_water", Above(0, 1), 0.5);
    internal static readonly SettingKey<int> OverloadSteps = new("serving.overload_steps", Whole(0, 100), 4);
    internal static readonly SettingKey<double> GuardrailRate = new("serving.guardrail_rate", Real(0, 1), 0.01);
    internal static readonly SettingKey<double> DrainSeconds = new("serving.drain_seconds", Real(0, 86_400), 25);
    internal static readonly SettingKey<string?> StateDirectory = new("serving.state_directory", OptionalObject(SettingTypes.Path), null);

    internal static readonly SettingKey<int> Port = new("server.port", SettingTypes.Port, 5080) { Variable = EnvironmentVariables.Port };
    internal static readonly SettingKey<IPAddress> Bind = new("server.bind", SettingTypes.NetworkAddress, IPAddress.Loopback);
    internal static readonly SettingKey<IPAddress> HealthBind = new("server.health_bind", SettingTypes.NetworkAddress, IPAddress.Loopback);
    internal static readonly SettingKey<IPAddress> MetricsBind = new("server.metrics_bind", SettingTypes.NetworkAddress, IPAddress.Loopback);
    internal static readonly SettingKey<bool> Insecure = new("server.insecure", Switch, false);
    internal static readonly SettingKey<int> MaxRequestBytes = new("server.max_request_bytes", Whole(1024, int.MaxValue), 67_108_864);
    internal static readonly SettingKey<int> MaxHeaderBytes = new("server.max_header_bytes", Whole(1024, 1_048_576), 32_768);
    internal static readonly SettingKey<int> MaxHeaders = new("server.max_headers", Whole(8, 1000), 100);
    internal static readonly SettingKey<int> MaxConnections = new("server.max_connections", Whole(1, 1_048_576), 1024);
    internal static readonly SettingKey<double> HeaderTimeoutSeconds = new("server.header_timeout_seconds", Real(0.1, 3600), 15);
    internal static readonly SettingKey<double> KeepAliveSeconds = new("server.keep_alive_seconds", Real(0.1, 86_400), 130);
    internal static readonly SettingKey<int> MinBodyRate = new("server.min_body_rate", Whole(0, 1_073_741_824), 240);
    internal static readonly SettingKey<LogFormat> LogFormat =
        new("server.log_format", SettingTypes.LogFormat, Hosting.LogFormat.Text);

    internal static readonly SettingKey<bool> ApiKeyRequired =
        new("security.api_key_required", Switch, false) { Variable = EnvironmentVariables.ApiKeyRequired };
    internal static readonly SettingKey<string?> ApiKeysFile =
        new("security.api_keys_file", OptionalObject(SettingTypes.Path), null) { Variable = EnvironmentVariables.ApiKeysFile };
    internal static readonly SettingKey<bool> LocalAdmin = new("security.local_admin", Switch, true);
    internal static readonly SettingKey<bool> SslEnabled = new("security.ssl_enabled", Switch, false) { Variable = EnvironmentVariables.SslEnabled };
    internal static readonly SettingKey<string?> SslCertFile =
        new("security.ssl_cert_file", OptionalObject(SettingTypes.Path), null) { Variable = EnvironmentVariables.SslCertFile };
    internal static readonly SettingKey<string?> SslKeyFile =
        new("security.ssl_key_file", OptionalObject(SettingTypes.Path), null) { Variable = EnvironmentVariables.SslKeyFile };
    internal static readonly SettingKey<int> RateLimit = new("security.rate_limit", Whole(0, int.MaxValue), 1000) { Variable = EnvironmentVariables.RateLimit };
    internal static readonly SettingKey<bool> RateLimitLoopback = new("security.rate_limit_loopback", Switch, false);

    private static readonly Dictionary<string, SettingKey> ByPath;
    private static readonly HashSet<string> Sections;

    static SettingKeys()
    {
        All =
        [
            Preset,
            InputDim, NumExperts, MinExperts, MaxExperts, ComplexityEstimator, RoutingStrategy, LoadBalancing, NoiseFactor, Adaptive, AdaptationRate,
            PerformanceSmoothing, Weighting, BalancingMode, BalanceStep, BalanceBound, WeightPenalty, Tau, TopP, MeanExpertsBudget, MaxDistinctExperts, Seed,
            MaxTokens, Threads,
            Normalize, Epsilon, Percentile, SmoothingFactor, HeadAggregation, Temperature,
            EnableAutoscaling, EnableParallel, EnableCaching, MaxWorkers, CacheSize, CacheAdaptive, CacheTtlSeconds,
            EnableMonitoring, EnableCircuitBreaker, AvgLatencyMs, ErrorRate, LoadBalanceVariance, MemoryUsageMb, AlertWebhook, AlertSecret,
            MetricsPort, HealthPort, OtlpEndpoint,
            NumRuns, WarmupRuns, BatchSizes, SequenceLengths, HiddenDims, NumExpertsList, MinExpertsList, MaxExpertsList, OutputDir,
            LogLevel, Isa, NativePath, Device, CpuFallback, CudaDriver,
            Model, ModelRoot, WeightFormat, QueueCapacity, QueueTokens, MaxRequestTokens, MaxBatchTokens, BatchDelay, MaxSequences, MaxPositions, SequenceMemory, HighWater,
            OverloadSteps, GuardrailRate, DrainSeconds, StateDirectory,
            Port, Bind, HealthBind, MetricsBind, Insecure, MaxRequestBytes, MaxHeaderBytes, MaxHeaders, MaxConnections, HeaderTimeoutSeconds, KeepAliveSeconds,
            MinBodyRate, LogFormat,
            ApiKeyRequired, ApiKeysFile, LocalAdmin, SslEnabled, SslCertFile, SslKeyFile, RateLimit, RateLimitLoopback,
        ];
        for (int i = 0; i < All.Count; i++)
        {
            All[i].Index = i;
        }

        ByPath = All.ToDictionary(key => key.Path, StringComparer.Ordinal);
        Sections = [.. All.SelectMany(key => Parents(key.Path))];
    }

    /// <summary>Every setting; <see cref="SettingKey.Index"/> is the place here.</summary>
    internal static IReadOnlyList<SettingKey> All { get; }

    /// <summary>The setting at a place in the file, or null.</summary>
    internal static SettingKey? Find(string path) => ByPath.GetValueOrDefault(path);

    /// <summary>Whether a place in the file holds settings and is none itself.</summary>
    internal static bool IsSection(string path) => Sections.Contains(path);

    /// <summary>What may have been meant by a key that does not exist.</summary>
    internal static string? Nearest(string path) =>
        Similar.Nearest(path, ByPath.Keys.Concat(Sections.Where(section => section.Count(c => c == '.') == path.Count(c => c == '.'))));

    private static IEnumerable<string> Parents(string path)
    {
        for (int dot = path.LastIndexOf('.'); dot > 0; dot = path.LastIndexOf('.', dot - 1))
        {
            yield return path[..dot];
        }
    }
}
