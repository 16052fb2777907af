using System.Numerics.Tensors;
using System.Text.Json;
using DynamicMoE.Tests.Support;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Tests.Profiling;

public sealed class FlopProfilerTests : IDisposable
{
    private static readonly Tensor<float> Batch = Tensor.Create(new float[] { 3, 2, 1, 0, 0, 3, 2, 1 }, [1, 2, 4]);

    // 1 GFLOP/s in float32, 4 in bfloat16, 1 GB/s.
    private static readonly MachineLimits Limits = new()
    {
        Threads = 1, Float32Flops = 1e9, BFloat16Flops = 4e9, Int8Ops = 8e9, ReadBytesPerSecond = 1e9, ReadStreams = 1, ReadHugePages = false, ReadTable = [],
    };

    private readonly GateWeights _gate = Gates.Identity(4, options => options.TrainedExperts = 2);
    private readonly ExpertBank _bank = ExpertBank.CreateRandom(
        new ExpertBankOptions { NumExperts = 4, Hidden = 4, Width = 8, Format = WeightFormat.BFloat16 });
    private readonly DynamicRouter _router;
    private readonly MoELayer _layer;

    public FlopProfilerTests()
    {
        _router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2, ComplexityEstimator = ComplexityEstimators.RouterMargin });
        _layer = new MoELayer(_router, _bank);
    }

    public void Dispose()
    {
        _layer.Dispose();
        _router.Dispose();
        _bank.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public void Timing_WhenCallsAreScripted_IsMedianAndInterval()
    {
        // Two calls of warm-up that take seconds, then 1..10 ms in another order.
        double[] times = [5000, 5000, 3, 1, 10, 2, 9, 8, 7, 4, 6, 5];
        var profiler = new FlopProfiler(new FlopProfilerOptions { Repetitions = 10, TimeProvider = new ScriptedClock(times) });

        ProfileTiming timing = profiler.ProfileRouting(_router, Batch).Timing;

        Assert.Equal(new ProfileTiming(10, 0.0055, 0.002, 0.009), timing);
        Assert.Equal(12, _router.GetExpertUsageStats().TotalBatches);
    }

    [Fact]
    public void Limit_WhenTheMachineIsKnown_IsTheLeastTimeOverTheTime()
    {
        var profiler = new FlopProfiler(Options(limits: true, cacheBytes: 0));

        LimitShare limit = profiler.ProfileLayer(_layer, Batch).Limit!;

        // Gate: 64 products in float32. Experts: 4 routes of 192 in bfloat16. Weights: 512 B of the gate, three experts of 32 columns x (4 + 8) x 2 B.
        Assert.Equal((64 / 1e9) + (768 / 4e9), limit.FlopsSeconds, 15);
        Assert.Equal((512 + (3 * 768)) / 1e9, limit.BytesSeconds, 15);
        Assert.Equal(limit.FlopsSeconds / 0.001, limit.PeakShare, 12);
        Assert.Equal(limit.BytesSeconds / 0.001, limit.BandwidthShare!.Value, 12);
        Assert.Equal(LimitShare.Bytes, limit.Binds);
    }

    [Fact]
    public void Limit_WhenTheWeightsFitTheCache_HasNoShareOfTheBandwidth()
    {
        // All weights of gate and four experts: 512 + 4 * 768 bytes, twice of which is what the cache must have.
        Assert.Null(new FlopProfiler(Options(true, 2 * 3584)).ProfileLayer(_layer, Batch).Limit!.BandwidthShare);
        Assert.NotNull(new FlopProfiler(Options(true, (2 * 3584) - 1)).ProfileLayer(_layer, Batch).Limit!.BandwidthShare);
        LimitShare routing = new FlopProfiler(Options(true, 1024)).ProfileRouting(_router, Batch).Limit!;
        Assert.Equal((0, null, LimitShare.Flops), (routing.BytesSeconds, routing.BandwidthShare, routing.Binds));
        Assert.Null(new FlopProfiler(Options(false, 0)).ProfileLayer(_layer, Batch).Limit);
    }

    [Fact]
    public void Summary_WhenThereAreLayers_AddsThemUp()
    {
        var profiler = new FlopProfiler(Options(false, 0));
        FlopProfile routing = profiler.ProfileRouting(_router, Batch);
        Assert.Equal((1, 0, routing.ProductFlops, null), Of(profiler.GetSummary()));
        FlopProfile layer = profiler.ProfileLayer(_layer, Batch, name: "a");
        _ = profiler.ProfileLayer(_layer, Batch, name: "b");

        FlopSummary summary = profiler.GetSummary();

        Assert.Equal((1, 2, 2 * layer.ProductFlops, 0.0), Of(summary));
        Assert.Equal((4, 8, 2.0, 2 * layer.OtherFlops, 2 * layer.WeightBytes), (summary.Tokens, summary.Routes, summary.MeanExpertsPerToken, summary.OtherFlops, summary.WeightBytes));
        Assert.Equal(2 * layer.StaticProductFlops, summary.StaticProductFlops);
        Assert.Equal(0.002, summary.Seconds, 12);
        Assert.Equal(2 * layer.Components.Sum(cost => cost.ActivationBytes), summary.ActivationBytes);
        Assert.Equal(layer.Components.Select(cost => (cost.Component, 2 * cost.Flops)), summary.Components.Select(cost => (cost.Component, cost.Flops)));
        Assert.Equal(["routing", "a", "b"], profiler.Profiles.Select(profile => profile.Name));

        profiler.Clear();
        Assert.Throws<ProfilingException>(() => profiler.GetSummary());

        static (int Routing, int Layers, long Products, double? Saving) Of(FlopSummary summary) =>
            (summary.RoutingProfiles, summary.LayerProfiles, summary.ProductFlops, summary.FlopsSaving);
    }

    [Fact]
    public void Wrapper_WhenAroundTheRouter_IsTimedAndCountedAsTheRouterInside()
    {
        var wrapper = new Passing(new Passing(_router));

        FlopProfile profile = new FlopProfiler(Options(false, 0)).ProfileRouting(wrapper, Batch);

        Assert.Equal(new FlopProfiler(Options(false, 0)).ProfileRouting(_router, Batch).Components, profile.Components);
        Assert.Equal(1, wrapper.Calls);
    }

    [Fact]
    public void Profile_WhenAPartCannotBeCounted_SaysWhichAndRunsNothing()
    {
        var profiler = new FlopProfiler(Options(false, 0));
        var foreign = new WrappedRouter(_router);
        using var over = new MoELayer(foreign, _bank);
        using var managed = new MoELayer(_router, _ => FunctionExpert.Times(2), 4);
        using var dropping = new MoELayer(_router, _bank, new MoELayerOptions { DropoutRate = 0.5f });

        Assert.Equal(
            "Router WrappedRouter is not a DynamicRouter: its operations cannot be counted.",
            Assert.Throws<ProfilingException>(() => profiler.ProfileRouting(foreign, Batch)).Message);
        Assert.Throws<ProfilingException>(() => profiler.ProfileLayer(over, Batch));
        Assert.Equal(
            "MoELayer runs managed experts (IExpert): their operations cannot be counted.",
            Assert.Throws<ProfilingException>(() => profiler.ProfileLayer(managed, Batch)).Message);
        Assert.Equal(
            "MoELayer drops elements at random in training (DropoutRate 0.5): their number cannot be counted.",
            Assert.Throws<ProfilingException>(() => profiler.ProfileLayer(dropping, Batch, new RoutingContext { Training = true })).Message);
        Assert.Equal(0, _router.GetExpertUsageStats().TotalBatches);
        Assert.Empty(profiler.Profiles);
    }

    [Fact]
    public void Profile_WhenTheInputIsWrong_FailsAsTheCallWould()
    {
        var profiler = new FlopProfiler(Options(false, 0));
        Tensor<float> wide = Tensor.Create(new float[10], [2, 5]);
        Tensor<float> broken = Tensor.Create(new[] { 1, float.NaN, 0, 0 }, [1, 4]);

        Assert.Throws<RoutingValidationException>(() => profiler.ProfileRouting(_router, wide));
        Assert.Throws<RoutingValidationException>(() => profiler.ProfileLayer(_layer, broken));
        Assert.Throws<ArgumentNullException>(() => profiler.ProfileRouting(null!, Batch));
        Assert.Throws<ArgumentNullException>(() => profiler.ProfileLayer(null!, Batch));
        Assert.Throws<ArgumentNullException>(() => profiler.ProfileRouting(_router, Batch, name: null!));
        Assert.Empty(profiler.Profiles);
    }

    [Fact]
    public void Constructor_WhenOptionsAreWrong_NamesThem() => Assert.Equal(
        "FlopProfilerOptions: Repetitions (0) is outside 1..1000000. WarmupRuns (-1) is outside 0..1000000. CacheBytes (-2) must be at least 0. "
        + "TimeProvider must not be null. OutputDirectory must not be empty.",
        Assert.Throws<RouterConfigurationException>(() => new FlopProfiler(new FlopProfilerOptions
        {
            Repetitions = 0, WarmupRuns = -1, CacheBytes = -2, TimeProvider = null!, OutputDirectory = "",
        })).Message);

    [Fact]
    public void Report_WhenThereAreProfiles_HasThemAndTheirParts()
    {
        using var folder = new TemporaryDirectory();
        FlopProfilerOptions options = Options(true, 0);
        options.Charts = new TextCharts();
        options.OutputDirectory = folder["charts"];
        var profiler = new FlopProfiler(options);
        Assert.Throws<ProfilingException>(() => profiler.GenerateReport());
        Assert.Throws<ProfilingException>(() => profiler.ToJson());
        _ = profiler.ProfileRouting(_router, Batch, name: "router 1");
        _ = profiler.ProfileLayer(_layer, Batch, name: "layer 1");

        string page = profiler.GenerateReport();

        Assert.Contains("| layer 1 | layer | 2 | 2 | 3 | 0.001056 | 0.0 % | 0.002816 | 1 | 0.0 % | 0.3 % | bytes |", page, StringComparison.Ordinal);
        Assert.Contains("| router 1 | routing | 2 | 2 | 3 | 0.000104 | - |", page, StringComparison.Ordinal);
        Assert.Contains("| experts | BFloat16 | 0.000768 | 0.00016 | 87.9 % | 0.002304 | 0.000128 |", page, StringComparison.Ordinal);
        Assert.Contains("![flops](flops.txt)", page, StringComparison.Ordinal);
        Assert.Equal(["experts.txt", "flops.txt"], Directory.GetFiles(folder["charts"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));

        using JsonDocument json = JsonDocument.Parse(profiler.ToJson());
        JsonElement saved = json.RootElement.GetProperty("profiles")[1];
        Assert.Equal(("layer 1", 832), (saved.GetProperty("name").GetString(), saved.GetProperty("product_flops").GetInt64()));
        Assert.Equal("experts", saved.GetProperty("components")[3].GetProperty("component").GetString());
        Assert.Equal(832, json.RootElement.GetProperty("summary").GetProperty("product_flops").GetInt64());
    }

    private static FlopProfilerOptions Options(bool limits, long cacheBytes) => new()
    {
        Repetitions = 1, WarmupRuns = 0, TimeProvider = new ScriptedClock(1), Limits = limits ? Limits : null, CacheBytes = cacheBytes,
    };

    private sealed class Passing(IRouter inner) : RouterWrapper(inner)
    {
        public int Calls { get; private set; }

        private protected override RoutingReport RouteRows(
            ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
        {
            Calls++;
            return RouteInner(hidden, tokens, buffers, context, capacity);
        }
    }
}
