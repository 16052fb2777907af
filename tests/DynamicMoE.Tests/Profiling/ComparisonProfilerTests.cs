using System.Numerics.Tensors;
using System.Text.Json;
using DynamicMoE.Tests.Support;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Tests.Profiling;

public sealed class ComparisonProfilerTests : IDisposable
{
    // Identity gate: the static rule takes {0, 1} and {1, 2}; a tau of e^-0.5 leaves {0} and {1, 2}.
    private static readonly Tensor<float>[] Data =
    [
        Tensor.Create(new[] { 3, 2, 1f, 0 }, [1, 4]),
        Tensor.Create(new[] { 0, 3, 2.9f, 1 }, [1, 1, 4]),
    ];

    private readonly GateWeights _gate = Gates.Identity(4, options => options.TrainedExperts = 2);
    private readonly ExpertBank _bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 4, Hidden = 4, Width = 8 }, seed: 4);
    private readonly List<IDisposable> _owned = [];

    public void Dispose()
    {
        _owned.ForEach(item => item.Dispose());
        _bank.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public void Compare_WhenDynamicDropsHalfOfATokensExperts_HasItsExactFigures()
    {
        // Per turn: static on two batches, dynamic on two; every other turn backwards. Static takes 1 + 1 ms, dynamic 0.25 + 0.5 ms (or 0.5 + 1).
        double[] times = [1, 1, 0.25, 0.5, 0.5, 1, 1, 1];
        var profiler = new ComparisonProfiler(Options(times, repetitions: 6));

        IReadOnlyList<StrategyComparison> results = profiler.CompareRoutingStrategies([Static(), Dynamic()], Data, "layer.7");

        StrategyComparison first = results[0], second = results[1];
        Assert.Equal(("layer.7", "static", 2, 2, 2.0, 2.0), (first.Scope, first.Name, first.Tokens, first.Batches, first.MeanExpertsPerToken, first.MeanDistinctExperts));
        Assert.Equal(("dynamic", 1.5, 1.5), (second.Name, second.MeanExpertsPerToken, second.MeanDistinctExperts));

        // 2 * 2 * 16 in the gate, 192 per route; a gate of 512 B per batch, 1536 B per expert.
        Assert.Equal((64 + (4 * 192.0), (2 * 512) + (4 * 1536.0)), (first.ProductFlops, first.WeightBytes));
        Assert.Equal((64 + (3 * 192.0), (2 * 512) + (3 * 1536.0)), (second.ProductFlops, second.WeightBytes));
        Assert.Equal((0, 0, 1, 0), (first.FlopsSaving, first.BytesSaving, first.TimeRatio, first.OutputDifference));
        Assert.Equal(1 - (640.0 / 832), second.FlopsSaving, 12);
        Assert.Equal(1 - (5632.0 / 7168), second.BytesSaving, 12);

        // Turns alternate between 0.75 and 1.5 ms of the dynamic one: the median quotient is between 0.375 and 0.75.
        Assert.Equal(0.5625, second.TimeRatio, 12);
        Assert.Equal((0.375, 0.75), (second.TimeRatioLow, second.TimeRatioHigh));
        Assert.Equal(new ProfileTiming(6, 0.002, 0.002, 0.002), first.Timing);
        Assert.Equal(0.001125, second.Timing.MedianSeconds, 12);

        // Shares of routes: 1/4, 1/2, 1/4 and 1/3 each.
        Assert.Equal((1 / (4 * 0.375), 1 / (4 / 3.0)), (first.LoadBalanceScore, second.LoadBalanceScore));
        Assert.Null(first.Limit);
        Assert.Equal(Difference(), second.OutputDifference, 6);
    }

    [Fact]
    public void Compare_WhenTheMachineIsKnown_HoldsAPassAgainstIt()
    {
        FlopProfilerOptions options = Options([1], repetitions: 2);
        options.CacheBytes = 0;
        options.Limits = new MachineLimits
        {
            Threads = 1, Float32Flops = 1e9, BFloat16Flops = 1, Int8Ops = 1, ReadBytesPerSecond = 1e9, ReadStreams = 1, ReadHugePages = false, ReadTable = [],
        };

        StrategyComparison result = new ComparisonProfiler(options).CompareRoutingStrategies([Static()], Data)[0];

        // Two passes of 2 ms; a pass has 832 products and 7168 B.
        Assert.Equal(2 * 832 / 1e9 / 0.004, result.Limit!.PeakShare, 12);
        Assert.Equal(2 * 7168 / 1e9 / 0.004, result.Limit.BandwidthShare!.Value, 12);
    }

    [Fact]
    public void Totals_WhenThereAreSeveralScopes_AreSums()
    {
        var profiler = new ComparisonProfiler(Options([1, 1, 0.5, 0.5], repetitions: 1));
        profiler.CompareRoutingStrategies([Static(), Dynamic()], Data, "a");
        profiler.CompareRoutingStrategies([Static(), Dynamic(), Static("only here")], Data, "b");

        IReadOnlyList<ComparisonTotal> totals = profiler.GetTotals();

        Assert.Equal(["static", "dynamic"], totals.Select(total => total.Name));
        Assert.Equal((2, 2.0, 2 * 832.0, 0.0, 1.0), (totals[0].Scopes, totals[0].MeanExpertsPerToken, totals[0].ProductFlops, totals[0].FlopsSaving, totals[0].TimeRatio));
        Assert.Equal((1.5, 2 * 640.0), (totals[1].MeanExpertsPerToken, totals[1].ProductFlops));
        Assert.Equal(5, profiler.Results.Count);
    }

    [Fact]
    public void Totals_WhenAScopeComesTwice_CountBoth()
    {
        var profiler = new ComparisonProfiler(Options([1], repetitions: 1));
        profiler.CompareRoutingStrategies([Static(), Dynamic()], Data);
        IReadOnlyList<StrategyComparison> again = profiler.CompareRoutingStrategies([Static(), Dynamic()], Data);
        profiler.CompareRoutingStrategies([Static(), Dynamic()], Data);

        Assert.All(again, result => Assert.Equal("layer (2)", result.Scope));
        Assert.Equal(["layer", "layer (2)", "layer (3)"], profiler.Results.Select(result => result.Scope).Distinct());
        Assert.Equal([(3, 3 * 832.0), (3, 3 * 640.0)], profiler.GetTotals().Select(total => (total.Scopes, total.ProductFlops)));
    }

    [Fact]
    public void Report_WhenCompared_HasTotalsScopesAndCharts()
    {
        using var folder = new TemporaryDirectory();
        FlopProfilerOptions options = Options([1], repetitions: 6);
        (options.Charts, options.OutputDirectory) = (new TextCharts(), folder["charts"]);
        var profiler = new ComparisonProfiler(options);
        Assert.Throws<ProfilingException>(() => profiler.GenerateComparisonReport());
        profiler.CompareRoutingStrategies([Static(), Dynamic()], Data, "layer.0");
        profiler.CompareRoutingStrategies([Static(), Dynamic()], Data, "layer.1");

        string page = profiler.GenerateComparisonReport();

        Assert.Contains("## All 2 sections", page, StringComparison.Ordinal);
        Assert.Contains("## layer.1", page, StringComparison.Ordinal);
        Assert.Contains("2 tokens in 2 batches, 6 timed passes.", page, StringComparison.Ordinal);
        Assert.Contains("| static | 2 | 2 | 0.6667 | 0.000832 | 0.0 % | 0.007168 | 0.0 % | 2 | 1 [1, 1] | 0 |", page, StringComparison.Ordinal);
        Assert.Contains("| dynamic | 1.5 | 1.5 | 0.75 | 0.00064 | 23.1 % | 0.005632 | 21.4 % | 2 | 1 [1, 1] | ", page, StringComparison.Ordinal);
        Assert.Contains("![comparison](comparison.txt)", page, StringComparison.Ordinal);
        Assert.Equal(["comparison.txt", "difference.txt"], Directory.GetFiles(folder["charts"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        using JsonDocument json = JsonDocument.Parse(profiler.ToJson());
        Assert.Equal("dynamic", json.RootElement.GetProperty("totals")[1].GetProperty("name").GetString());
        Assert.Equal(1.5, json.RootElement.GetProperty("results")[3].GetProperty("mean_experts_per_token").GetDouble());
    }

    [Fact]
    public void Compare_WhenCandidatesAreOfDifferentCheckpoints_NamesTheDifference()
    {
        using GateWeights otherGate = Gates.Identity(4, options => options.Gate = GateFunction.Sigmoid);
        using ExpertBank otherBank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 4, Hidden = 4, Width = 8 }, seed: 4);
        using ExpertBank shared = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = 1, Hidden = 4, Width = 8 });
        RoutingCandidate first = Static();

        AssertRefused([first, Static("gate", gate: otherGate)], $"Candidate 'gate' has gate {otherGate.Hash}, 'static' has gate {_gate.Hash}: only the routing of one checkpoint can be compared.");
        AssertRefused([first, Static("experts", bank: otherBank)], "Candidate 'experts' has another ExpertBank than 'static': only the routing of one checkpoint can be compared.");
        AssertRefused([first, Static("shared", shared: shared)], "Candidate 'shared' has other SharedExperts than 'static': only the routing of one checkpoint can be compared.");
        AssertRefused([first, Static()], "Two candidates are called 'static'.");
        AssertRefused([], "A comparison needs at least one candidate.");
    }

    [Fact]
    public void Compare_WhenTheDataIsWrong_RunsNothing()
    {
        var profiler = new ComparisonProfiler(Options([1], 1));
        RoutingCandidate candidate = Static();

        Assert.Throws<ProfilingException>(() => profiler.CompareRoutingStrategies([candidate], []));
        Assert.Throws<RoutingValidationException>(() => profiler.CompareRoutingStrategies([candidate], [Data[0], Tensor.Create(new float[5], [1, 5])]));
        Assert.Throws<ArgumentNullException>(() => profiler.CompareRoutingStrategies([candidate], [null!]));
        Assert.Throws<OperationCanceledException>(() => profiler.CompareRoutingStrategies([candidate], Data, "x", new CancellationToken(canceled: true)));
        Assert.Equal(0, candidate.Layer.Router.GetExpertUsageStats().TotalBatches);
        Assert.Empty(profiler.Results);
    }

    private static void AssertRefused(IReadOnlyList<RoutingCandidate> candidates, string message) => Assert.Equal(
        message, Assert.Throws<ProfilingException>(() => new ComparisonProfiler(Options([1], 1)).CompareRoutingStrategies(candidates, Data)).Message);

    // By two layers on their own.
    private double Difference()
    {
        double squares = 0, reference = 0;
        MoELayer one = Static("one").Layer, other = Dynamic().Layer;
        foreach (Tensor<float> batch in Data)
        {
            float[] expected = [.. one.Forward(batch.AsReadOnlyTensorSpan()).Output], actual = [.. other.Forward(batch.AsReadOnlyTensorSpan()).Output];
            squares += expected.Zip(actual, (a, b) => Math.Pow((double)a - b, 2)).Sum();
            reference += expected.Sum(value => (double)value * value);
        }

        return Math.Sqrt(squares / reference);
    }

    private static FlopProfilerOptions Options(double[] milliseconds, int repetitions) =>
        new() { Repetitions = repetitions, WarmupRuns = 0, TimeProvider = new ScriptedClock(milliseconds) };

    private RoutingCandidate Static(string name = "static", GateWeights? gate = null, ExpertBank? bank = null, ExpertBank? shared = null) => Candidate(
        name, new DynamicRouterOptions { MinExperts = 2, MaxExperts = 2, ComplexityEstimator = ComplexityEstimators.RouterMargin }, gate, bank, shared);

    private RoutingCandidate Dynamic() =>
        Candidate("dynamic", new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, Tau = MathF.Exp(-0.5f), MaxExperts = 2 });

    private RoutingCandidate Candidate(string name, DynamicRouterOptions options, GateWeights? gate = null, ExpertBank? bank = null, ExpertBank? shared = null)
    {
        var router = new DynamicRouter(gate ?? _gate, options);
        var layer = new MoELayer(router, bank ?? _bank, new MoELayerOptions { SharedExperts = shared });
        _owned.AddRange([layer, router]);
        return new RoutingCandidate(name, layer);
    }
}
