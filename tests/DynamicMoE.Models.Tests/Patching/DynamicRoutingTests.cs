using System.Diagnostics.Metrics;
using DynamicMoE.Models.Tests.Decoding;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Numerics;
using DynamicMoE.TestKit.Routing;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Models.Tests.Patching;

public sealed class DynamicRoutingTests
{
    public static TheoryData<ReferenceFamily> Families => [.. FamilySettings.All];

    [Theory, MemberData(nameof(Families))]
    public void Patch_WhenUndone_GivesTheStaticBitsAgain(ReferenceFamily family)
    {
        using MoEModel model = TestModels.Load(family);
        int[] tokens = TestModels.Tokens();
        float[] before = TestModels.Run(model, tokens);

        model.PatchDynamicRouting(new DynamicRoutingOptions { Tau = 0.9f });
        Assert.True(model.IsDynamic);
        float[] patched = TestModels.Run(model, tokens);
        model.UnpatchDynamicRouting();

        Assert.False(model.IsDynamic);
        Assert.NotEqual(before, patched);
        Assert.Equal(before, TestModels.Run(model, tokens));
    }

    // At k = k_trained the dynamic path is the static one: ids exactly, weights by the checkpoint's own convention.
    [Theory, MemberData(nameof(Families))]
    public void Patch_WhenCountIsTheTrainedOne_GivesTheStaticBits(ReferenceFamily family)
    {
        using MoEModel model = TestModels.Load(family);
        int[] tokens = TestModels.Tokens();
        float[] before = TestModels.Run(model, tokens);

        model.PatchDynamicRouting(DynamicRoutingOptions.FixedCount(model.Config.Experts.PerToken));

        Assert.Equal(before, TestModels.Run(model, tokens));
    }

    [Theory, MemberData(nameof(Families))]
    public void Patch_WhenThresholdIsFixed_MatchesDoublePrecision(ReferenceFamily family)
    {
        const float tau = 0.45f;
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(family, seed: 21);
        DecoderSettings s = checkpoint.Settings;
        RouteRules rules = checkpoint.Decoder.StaticRules with { MinExperts = 1, Strategy = ReferenceStrategy.Threshold, Tau = tau };
        DecoderTrace expected = checkpoint.Decoder.Run(TestModels.Tokens(), _ => rules);
        using MoEModel model = TestModels.Load(checkpoint);
        model.PatchDynamicRouting(new DynamicRoutingOptions { Tau = tau });
        MoESession session = model.CreateSession(24);
        var logits = new float[24 * s.Vocabulary];

        ForwardReport report = session.Forward(TestModels.Tokens(), logits);

        Assert.Equal(expected.Routes.Sum(r => r?.Routes ?? 0), report.Routes);
        Assert.InRange(report.MeanExpertsPerToken, 1.01, s.TrainedExperts - 0.01);
        int width = new[] { s.Hidden, s.Heads * s.HeadDim, s.ExpertWidth, s.DenseWidth, s.SharedWidth }.Max();
        Tolerance.F32Decoder(s.Layers, width, expected.Logits.Max(Math.Abs)).AssertClose(expected.Logits, logits);
    }

    [Theory]
    [InlineData(null, 1.5)]
    [InlineData(1.25, 1.25)]
    [InlineData(1.75, 1.75)]
    public void Patch_WhenBudgetIsGiven_HoldsTheMeanInEveryLayer(double? budget, double expected)
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = budget });
        var routes = new double[model.MoELayers.Count];
        var random = new Random(5);
        int counted = 0;
        for (int pass = 0; pass < 60; pass++)
        {
            MoESession session = model.CreateSession(128);
            int[] tokens = [.. Enumerable.Range(0, 128).Select(_ => random.Next(64))];
            _ = session.Forward(tokens, new float[128 * 64]);
            if (pass >= 10)
            {
                counted += tokens.Length;
                for (int i = 0; i < routes.Length; i++)
                {
                    routes[i] += session.LastRouting[i].Report.Routes;
                }
            }
        }

        Assert.All(routes, r => Assert.InRange(r / counted, expected - 0.03, expected + 0.03));
    }

    [Fact]
    public void Patch_WhenSomeLayersAreChosen_LeavesTheOthersStatic()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);

        model.PatchDynamicRouting(new DynamicRoutingOptions { Layers = [1] });
        Assert.Equal([false, true, false], model.MoELayers.Select(b => b.IsDynamic));
        model.PatchDynamicRouting(new DynamicRoutingOptions { Layers = [0, 2, 2] });

        Assert.Equal([true, false, true], model.MoELayers.Select(b => b.IsDynamic));
    }

    [Fact]
    public void Patch_WhenMaximumExceedsTheTrainedCount_SessionsGoOn()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(64);
        _ = session.ForwardLast([1, 2, 3], new float[64]);

        model.PatchDynamicRouting(DynamicRoutingOptions.FixedCount(5));

        Assert.Equal(5, session.ForwardLast([4, 5], new float[64]).MeanExpertsPerToken);
    }

    [Theory]
    [InlineData(0, null, null, null, "MinExperts (0)")]
    [InlineData(3, null, null, null, "MinExperts (3)")]
    [InlineData(1, 9, null, null, "MaxExperts (9)")]
    [InlineData(1, null, 2.5, null, "DynamicRoutingOptions: MeanExpertsPerToken (2.5) is outside 1..2.")]
    [InlineData(1, null, 0.5, null, "DynamicRoutingOptions: MeanExpertsPerToken (0.5) is outside 1..2.")]
    [InlineData(1, null, null, 1.5f, "Tau (1.5)")]
    [InlineData(1, null, null, float.NaN, "Tau")]
    public void Patch_WhenOptionIsOutOfRange_NamesTensorAndValueAndChangesNothing(int minimum, int? maximum, double? budget, float? tau, string problem)
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen2Moe);
        int k = model.Config.Experts.PerToken;
        var options = new DynamicRoutingOptions { MinExperts = minimum, MaxExperts = maximum ?? 2, MeanExpertsPerToken = budget, Tau = tau };

        var e = Assert.Throws<ModelPatchingException>(() => model.PatchDynamicRouting(options));

        Assert.Equal(4, k);
        Assert.Contains("model.layers.0.mlp.gate.weight", e.Message, StringComparison.Ordinal);
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
        Assert.False(model.IsDynamic);
    }

    [Fact]
    public void Patch_WhenLayerHasNoExperts_NamesTheTensorThatIsNotThere()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen2Moe);

        var dense = Assert.Throws<ModelPatchingException>(() => model.PatchDynamicRouting(new DynamicRoutingOptions { Layers = [1] }));
        var missing = Assert.Throws<ModelPatchingException>(() => model.PatchDynamicRouting(new DynamicRoutingOptions { Layers = [0, 7] }));

        Assert.Contains("model.layers.1.mlp.gate.weight", dense.Message, StringComparison.Ordinal);
        Assert.Contains("model.layers.7.mlp.gate.weight", missing.Message, StringComparison.Ordinal);
        Assert.False(model.IsDynamic);
    }

    [Fact]
    public void Patch_WhenModelHasNoExperts_SaysSo()
    {
        using MoEModel model = TestModels.Load(SyntheticCheckpoint.Create(
            FamilySettings.Create(ReferenceFamily.Qwen3Moe) with { MlpOnlyLayers = [0, 1, 2] }));

        var e = Assert.Throws<ModelPatchingException>(() => model.PatchDynamicRouting());

        Assert.Contains("mlp.gate.weight", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ReferenceFamily.Mixtral, Weighting.Raw, true)]
    [InlineData(ReferenceFamily.Mixtral, Weighting.TrainedScale, false)]
    [InlineData(ReferenceFamily.Olmoe, Weighting.Renormalize, true)]
    [InlineData(ReferenceFamily.Olmoe, Weighting.Raw, false)]
    public void Patch_WhenWeightingIsNotTheCheckpoints_Warns(ReferenceFamily family, Weighting weighting, bool warns)
    {
        var log = new ListLogger();
        using MoEModel model = TestModels.Load(family, new ModelLoadOptions { Logger = log });

        model.PatchDynamicRouting(new DynamicRoutingOptions { Weighting = weighting });

        Assert.Equal(warns, log.Warnings.Any(w => w.Contains(weighting.ToString(), StringComparison.Ordinal)));
    }

    [Fact]
    public void Patch_WhenNothingIsChosen_TakesTheCheckpointsConventionAndThreeQuarters()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Olmoe);

        model.PatchDynamicRouting();

        DynamicRouter router = model.MoELayers[0].Router;
        Assert.Equal(RoutingStrategy.Threshold, router.Strategy);
        Assert.Equal(Weighting.Raw, router.Weighting);
        Assert.Equal((1, 4), (router.MinExperts, router.MaxExperts));
        Assert.Equal(3, model.Arbiter!.Budget);
        Assert.Equal(model.MoELayers.Count, model.Arbiter.Layers);
    }

    [Fact]
    public void Patch_WhenLayersShareABudget_TheArbiterOfTheModelDecides()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        double[] profile = [.. Enumerable.Range(1, model.MoELayers.Count).Select(layer => (double)layer)];
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.4, Sensitivity = profile });
        double[] budgets = [.. model.MoELayers.Select(layer => layer.Router.Controller!.Budget)];

        Assert.All(model.MoELayers, layer => Assert.Same(model.Arbiter, layer.Router.Arbiter));
        Assert.Equal(1.4, budgets.Average(), 12);
        Assert.Equal(budgets.Order(), budgets);
        model.Arbiter!.OverloadCeiling = 1;
        MoESession session = model.CreateSession(16);
        Assert.Equal(1, session.ForwardLast([1, 2, 3], new float[64]).MeanExpertsPerToken);
        model.UnpatchDynamicRouting();
        Assert.Null(model.Arbiter);
    }

    [Fact]
    public void Patch_WhenLayersHaveBudgetsOfTheirOwn_EachRouterHoldsItsOwn()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        model.PatchDynamicRouting(new DynamicRoutingOptions { Layers = [2, 0], LayerBudgets = [1.75, 1.25] });

        Assert.Equal(1.5, model.Arbiter!.Budget);
        Assert.Equal((1.25, 1.75), (model.MoELayers[0].Router.Controller!.Budget, model.MoELayers[2].Router.Controller!.Budget));
        foreach ((DynamicRoutingOptions wrong, string problem) in new[]
        {
            (new DynamicRoutingOptions { LayerBudgets = [1.5, 1.5, 1.5], MeanExpertsPerToken = 1.5 }, "LayerBudgets exclude MeanExpertsPerToken and Sensitivity."),
            (new DynamicRoutingOptions { LayerBudgets = [1.5, 1.5, 1.5], Sensitivity = [1, 1, 1] }, "LayerBudgets exclude MeanExpertsPerToken and Sensitivity."),
            (new DynamicRoutingOptions { LayerBudgets = [1.5, 3, 1.5] }, "DynamicRoutingOptions: LayerBudgets[1] (3) is outside 1..2."),
            (new DynamicRoutingOptions { LayerBudgets = [1.5, 1.5] }, "DynamicRoutingOptions: LayerBudgets has 2 elements, 3 layers are switched."),
            (new DynamicRoutingOptions { MeanExpertsPerToken = 1.5, Sensitivity = [1] }, "DynamicRoutingOptions: Sensitivity has 1 elements, 3 layers are switched."),
        })
        {
            Assert.EndsWith(problem, Assert.Throws<ModelPatchingException>(() => model.PatchDynamicRouting(wrong)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Patch_WhenLayersAreNamedInAnotherOrder_TheFirstOfThemBeginsABatch()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        model.PatchDynamicRouting(new DynamicRoutingOptions { Layers = [2, 0], MeanExpertsPerToken = 2, Sensitivity = [32, 1] });
        model.Arbiter!.Budget = 1.5;
        _ = model.CreateSession(16).ForwardLast([1, 2, 3], new float[64]);

        Assert.Equal(model.Arbiter.LayerBudget(0), model.MoELayers[0].Router.Controller!.Budget);
        Assert.True(model.Arbiter.LayerBudget(0) < model.Arbiter.LayerBudget(1));

        // In one pass no layer runs under another decision: the ceiling is in force from the first one on.
        model.Arbiter.OverloadCeiling = 1;
        Assert.Equal(1, LastCount(model, layer: 0));
    }

    [Fact]
    public void Patch_WhenTheBudgetIsEveryExpert_EveryTokenGetsThem()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 2 });
        MoESession session = model.CreateSession(64);
        for (int pass = 0; pass < 4; pass++)
        {
            Assert.Equal(2, session.ForwardLast(TestModels.Tokens(16), new float[64]).MeanExpertsPerToken);
        }
    }

    [Fact]
    public void Patch_WhenTheBudgetHasAName_ItsSeriesCarriesIt()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        var seen = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == "dynamicmoe.budget.effective")
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            lock (seen)
            {
                seen.Add(string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}")));
            }
        });
        listener.Start();
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5, BudgetName = "named-model" });
        model.Arbiter!.OverloadCeiling = 1.25;
        _ = model.Arbiter.BeginBatch();
        listener.RecordObservableInstruments();

        Assert.Contains("budget=named-model", seen);
    }

    [Fact]
    public void Patch_WhenALatencyTargetIsMissed_LowersTheBudget()
    {
        var clock = new SlowClock();
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral, new ModelLoadOptions { TimeProvider = clock });
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 2, TargetLatency = TimeSpan.FromMilliseconds(1) });
        MoESession session = model.CreateSession(128);
        for (int pass = 0; pass < 101; pass++)
        {
            _ = session.ForwardLast([1], new float[64]);
        }

        Assert.Equal(BudgetDecider.Latency, model.Arbiter!.Decision.DecidedBy);
        Assert.InRange(model.Arbiter.Decision.Effective, 1, 1.95);
        Assert.NotNull(model.Latency);
    }

    [Fact]
    public void Patch_WhenDistinctExpertsAreCapped_EveryLayerKeepsWithinTheCap()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MaxDistinctExperts = 3 });
        MoESession session = model.CreateSession(64);
        _ = session.ForwardLast([.. Enumerable.Range(0, 64)], new float[64]);

        Assert.All(session.LastRouting.ToArray(), layer => Assert.InRange(layer.Report.DistinctExperts, 1, 3));
    }

    [Fact]
    public void Patch_WhenAnOptionNeedsABudgetThatIsNotThere_SaysSo()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);

        foreach (DynamicRoutingOptions options in new[]
        {
            new DynamicRoutingOptions { Tau = 0.3f, Sensitivity = [1, 2] },
            new DynamicRoutingOptions { Strategy = RoutingStrategy.TopK, TargetLatency = TimeSpan.FromSeconds(1) },
        })
        {
            Assert.Contains("need a budget", Assert.Throws<ModelPatchingException>(() => model.PatchDynamicRouting(options)).Message, StringComparison.Ordinal);
        }

        var zero = new DynamicRoutingOptions { TargetLatency = TimeSpan.Zero };
        Assert.Contains("Target (00:00:00)", Assert.Throws<ModelPatchingException>(() => model.PatchDynamicRouting(zero)).Message, StringComparison.Ordinal);
        Assert.False(model.IsDynamic);
    }

    private static double LastCount(MoEModel model, int layer)
    {
        MoESession session = model.CreateSession(16);
        _ = session.ForwardLast([4, 5, 6], new float[64]);
        return session.LastRouting[layer].Report.MeanExpertsPerToken;
    }

    /// <summary>Every reading is 10 ms after the one before.</summary>
    private sealed class SlowClock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks += 10 * TimeSpan.TicksPerMillisecond;
    }

    private sealed class ListLogger : ILogger
    {
        public List<string> Warnings { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Warning)
            {
                Warnings.Add(formatter(state, exception));
            }
        }
    }
}
