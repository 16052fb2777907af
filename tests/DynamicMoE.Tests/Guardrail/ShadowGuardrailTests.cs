using System.Diagnostics.Metrics;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Guardrail;

public sealed class ShadowGuardrailTests : IDisposable
{
    private const int Experts = 6;
    private const int Dim = 16;
    private const int Tokens = 40;
    private readonly TestExperts _experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 24 });
    private readonly GateWeights _gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2 }, 3);
    private readonly float[] _hidden = new SeededRandom(5).Gaussian(Tokens * Dim, 2);

    public void Dispose()
    {
        _experts.Dispose();
        _gate.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GetStatus_WhenEveryTokenHasTheTrainedNumber_ShowsNoDriftAtAll(bool managed)
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2 });
        using var guardrail = new ShadowGuardrail(Every());
        using MoELayer layer = Layer(router, guardrail, managed);

        layer.Forward(_hidden, Tokens, new float[_hidden.Length]);
        guardrail.RunPending();

        GuardrailStatus status = guardrail.GetStatus();
        Assert.Equal((Tokens, 0.0, 0L, 0L), (status.Samples, status.MeanDrift, status.Dropped, status.Failed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GetStatus_WhenTokensHaveFewer_ShowsTheDefinedError(bool managed)
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, Tau = 0.5f, Weighting = Weighting.TrainedScale });
        using var full = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2, Weighting = Weighting.TrainedScale });
        using var guardrail = new ShadowGuardrail(Every());
        using MoELayer layer = Layer(router, guardrail, managed);
        using MoELayer reference = Layer(full, null, managed);
        var output = new float[_hidden.Length];
        var expected = new float[_hidden.Length];

        layer.Forward(_hidden, Tokens, output);
        reference.Forward(_hidden, Tokens, expected);
        guardrail.RunPending();

        double sum = 0;
        for (int token = 0; token < Tokens; token++)
        {
            double error = 0, norm = 0;
            for (int i = token * Dim; i < (token + 1) * Dim; i++)
            {
                error += Math.Pow(output[i] - (double)expected[i], 2);
                norm += Math.Pow(expected[i], 2);
            }

            sum += Math.Sqrt(error / norm);
        }

        Assert.InRange(sum, 0.1, Tokens);
        Assert.Equal(sum / Tokens, guardrail.GetStatus().MeanDrift, 1e-5);
    }

    [Fact]
    public void Forward_WhenTheLayerNormalises_ComparesTheExpertsAlone()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2 });
        using var guardrail = new ShadowGuardrail(Every());
        using var layer = new LayerNormMoE(router, _experts.Bank, new LayerNormMoEOptions { Guardrail = guardrail, DropoutRate = 0.5f });

        layer.Forward(_hidden, Tokens, new float[_hidden.Length], null, new RoutingContext { Training = true });
        guardrail.RunPending();

        Assert.Equal((Tokens, 0.0), (guardrail.GetStatus().Samples, guardrail.GetStatus().MeanDrift));
    }

    [Fact]
    public void Forward_WhenAnExpertIsDisabled_IsNotComparedWithIt()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2 });
        using var guardrail = new ShadowGuardrail(Every());
        using MoELayer layer = Layer(router, guardrail, managed: false);
        router.DisableExpert(1);

        layer.Forward(_hidden, Tokens, new float[_hidden.Length]);
        guardrail.RunPending();

        Assert.Equal(0.0, guardrail.GetStatus().MeanDrift);
    }

    [Theory]
    [InlineData(1e19f)]
    [InlineData(1e30f)]
    public void Drift_WhenRowsAreLargeButFinite_IsFinite(float scale)
    {
        float[] full = [3 * scale, 4 * scale], output = [3 * scale, 3 * scale];

        Assert.Equal(0.2, LayerShadow.Drift(output, full), 1e-6);
        Assert.Equal((0.0, 1.0), (LayerShadow.Drift([0, 0], [0, 0]), LayerShadow.Drift([1, 0], [0, 0])));
    }

    [Fact]
    public void RunPending_WhenAnExpertFailsInTheShadowAlone_LeavesItInService()
    {
        bool shadow = false;
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2 });
        using var guardrail = new ShadowGuardrail(Every());
        using var layer = new MoELayer(
            router,
            _ => new FunctionExpert((rows, _, output) =>
            {
                if (shadow)
                {
                    throw new InvalidOperationException("only here");
                }

                rows.CopyTo(output);
            }),
            Experts,
            new MoELayerOptions { Guardrail = guardrail, ExpertFaults = ExpertFaultPolicy.Disable });
        layer.Forward(_hidden, Tokens, new float[_hidden.Length]);
        shadow = true;
        guardrail.RunPending();

        Assert.Equal(Tokens, guardrail.GetStatus().Failed);
        Assert.Empty(router.GetDisabledExperts());
    }

    [Fact]
    public void Forward_WhenTokensChoseForThemselves_SamplesNone()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterMargin });
        using var guardrail = new ShadowGuardrail(Every());
        using MoELayer layer = Layer(router, guardrail, managed: false);
        var output = new float[_hidden.Length];
        byte[] mask = [0, 1, 1, 1, 1, 1];

        layer.Forward(_hidden, Tokens, output, null, new RoutingContext { ExpertCounts = new int[Tokens] });
        layer.Forward(_hidden, Tokens, output, null, new RoutingContext { TokenTaus = new float[Tokens] });
        layer.Forward(_hidden, Tokens, output, null, new RoutingContext { ExpertMask = mask });
        guardrail.RunPending();
        Assert.Equal(0, guardrail.GetStatus().Samples);

        layer.Forward(_hidden, Tokens, output, null, new RoutingContext { Positions = new long[Tokens] });
        guardrail.RunPending();
        Assert.Equal(Tokens, guardrail.GetStatus().Samples);
    }

    [Theory]
    [InlineData(Tokens)]
    [InlineData(2)]
    public void Forward_WhenSomeTokensHaveADialOfTheirOwn_SamplesTheOthers(int dials)
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.5 });
        using var guardrail = new ShadowGuardrail(Every());
        using MoELayer layer = Layer(router, guardrail, managed: false);
        float[] quality = [.. Enumerable.Range(0, dials).Select(i => i < dials / 2 ? 0.5f : float.NaN)];

        layer.Forward(_hidden, Tokens, new float[_hidden.Length], null, new RoutingContext { Quality = quality });
        guardrail.RunPending();

        Assert.Equal(Tokens / 2, guardrail.GetStatus().Samples);
    }

    [Fact]
    public void Forward_WhenPositionsAreGiven_SamplesByThemAlone()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions());
        GuardrailOptions options = Every();
        options.SampleRate = 0.3;
        options.Seed = 9;
        using var guardrail = new ShadowGuardrail(options);
        using MoELayer layer = Layer(router, guardrail, managed: false);
        long[] positions = [.. Enumerable.Range(100, Tokens).Select(p => (long)p)];
        int expected = positions.Count(guardrail.Samples);

        for (int run = 1; run <= 3; run++)
        {
            layer.Forward(_hidden, Tokens, new float[_hidden.Length], null, new RoutingContext { Positions = positions });
            guardrail.RunPending();
            Assert.Equal(run * expected, guardrail.GetStatus().Samples);
        }

        Assert.InRange(expected, 1, Tokens - 1);
    }

    [Fact]
    public void Forward_WhenTheQueueIsFull_DropsAndCounts()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions());
        GuardrailOptions options = Every();
        options.QueueCapacity = 4;
        using var guardrail = new ShadowGuardrail(options);
        using MoELayer layer = Layer(router, guardrail, managed: false);

        layer.Forward(_hidden, Tokens, new float[_hidden.Length]);
        guardrail.RunPending();

        Assert.Equal((4L, Tokens - 4L), (guardrail.GetStatus().Samples, guardrail.GetStatus().Dropped));
    }

    [Fact]
    public void RunPending_WhenAShadowRunFails_DisturbsNobody()
    {
        var log = new LogCollector();
        bool dead = false;
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions());
        GuardrailOptions options = Every();
        options.Logger = log;
        using var guardrail = new ShadowGuardrail(options);
        using var layer = new MoELayer(
            router,
            _ => new FunctionExpert((rows, _, output) =>
            {
                if (dead)
                {
                    throw new InvalidOperationException("gone");
                }

                rows.CopyTo(output);
            }),
            Experts,
            new MoELayerOptions { Guardrail = guardrail, GuardrailName = "layer.7" });
        for (int run = 0; run < 2; run++)
        {
            dead = false;
            layer.Forward(_hidden, Tokens, new float[_hidden.Length]);
            dead = true;
            guardrail.RunPending();
        }

        Assert.Equal((0L, 2L * Tokens), (guardrail.GetStatus().Samples, guardrail.GetStatus().Failed));
        Assert.Contains("layer 'layer.7' failed", Assert.Single(log.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void RunPending_WhenDriftIsOverTheLimit_RaisesTheFloor()
    {
        var budget = new FakeBudget(1, 2);
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { MaxExperts = 1, ComplexityEstimator = ComplexityEstimators.RouterMargin });
        GuardrailOptions options = Every();
        (options.DriftLimit, options.MinimumSamples, options.FloorStep) = (0.05, 16, 0.25);
        var guardrail = new ShadowGuardrail(options, budget);
        using MoELayer layer = Layer(router, guardrail, managed: false);

        layer.Forward(_hidden, Tokens, new float[_hidden.Length]);
        guardrail.RunPending();

        // What was sampled before the floor rose does not count again: one batch raises it once.
        Assert.Equal([1.25], budget.Floors);
        guardrail.Dispose();
        guardrail.Dispose();
        Assert.Equal([1.25, null], budget.Floors);
        layer.Forward(_hidden, Tokens, new float[_hidden.Length]);
    }

    [Fact]
    public void Forward_WhenTheRouterHoldsABudget_FollowsTheFloorUntilTheLayerIsGone()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions
        {
            Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.1, Weighting = Weighting.TrainedScale,
        });
        GuardrailOptions options = Every();
        (options.DriftLimit, options.MinimumSamples, options.FloorStep) = (1e-6, Tokens, 0.5);
        using var guardrail = new ShadowGuardrail(options);
        MoELayer layer = Layer(router, guardrail, managed: false);
        var output = new float[_hidden.Length];
        for (int batch = 0; batch < 40; batch++)
        {
            layer.Forward(_hidden, Tokens, output);
        }

        guardrail.RunPending();
        Assert.Equal(1.6, router.Arbiter!.GuardrailFloor!.Value, 1e-9);
        long routes = 0;
        for (int batch = 0; batch < 200; batch++)
        {
            long now = layer.Forward(_hidden, Tokens, output).Routes;
            routes += batch >= 100 ? now : 0;
        }

        Assert.Equal(1.6, routes / (100.0 * Tokens), 0.05);
        layer.Dispose();
        Assert.Null(router.Arbiter.GuardrailFloor);
    }

    [Fact]
    public void ReportDivergence_WhenItIsOverItsLimit_RaisesTheFloorToo()
    {
        var budget = new FakeBudget(1.5, 2);
        GuardrailOptions options = Every();
        (options.DivergenceLimit, options.MinimumSamples) = (0.2, 2);
        using var guardrail = new ShadowGuardrail(options, budget);

        guardrail.ReportDivergence(0.3, guardrail.Generation);
        guardrail.ReportDivergence(-1e-9, guardrail.Generation);
        Assert.Empty(budget.Floors);
        guardrail.ReportDivergence(0.3, guardrail.Generation);
        guardrail.ReportDivergence(0.3, guardrail.Generation);

        Assert.Equal([1.625], budget.Floors);
        Assert.Equal(0.225, guardrail.GetStatus().MeanDivergence, 1e-9);
        Assert.Throws<ArgumentOutOfRangeException>("nats", () => guardrail.ReportDivergence(double.NaN, 0));
    }

    [Fact]
    public async Task Forward_WhenSamplesRunInTheBackground_ComparesThemWithoutACall()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2 });
        GuardrailOptions options = Every();
        options.RunInBackground = true;
        using var guardrail = new ShadowGuardrail(options);
        using MoELayer layer = Layer(router, guardrail, managed: false);
        var measured = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using MeterListener listener = Listen(MoEMetrics.Drift, (_, tags) =>
        {
            if (tags.Contains(new KeyValuePair<string, object?>("layer", "watched")) && guardrail.GetStatus().Samples >= Tokens - 1)
            {
                measured.TrySetResult();
            }
        });

        layer.Forward(_hidden, Tokens, new float[_hidden.Length]);
        await measured.Task.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(0.0, guardrail.GetStatus().MeanDrift);
    }

    [Fact]
    public void Constructor_WhenOptionsAreWrong_NamesEach()
    {
        string message = Assert.Throws<RouterConfigurationException>(() => new ShadowGuardrail(new GuardrailOptions
        {
            SampleRate = 0, QueueCapacity = 0, DriftLimit = 0, DivergenceLimit = double.NaN, CalmShare = 1, MinimumSamples = 0, CalmWindows = 0, FloorStep = -1,
        })).Message;

        foreach (string name in new[] { "SampleRate", "QueueCapacity", "DriftLimit", "DivergenceLimit", "CalmShare", "MinimumSamples", "CalmWindows", "FloorStep" })
        {
            Assert.Contains(name, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Constructor_WhenTheLayerCannotBeWatched_SaysWhy()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions());
        using var guardrail = new ShadowGuardrail();

        Assert.Contains(
            "Guardrail needs a DynamicRouter, not WrappedRouter",
            Assert.Throws<RouterConfigurationException>(
                () => new MoELayer(new WrappedRouter(router), _experts.Bank, new MoELayerOptions { Guardrail = guardrail })).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "no capacity limit",
            Assert.Throws<RouterConfigurationException>(
                () => new SparseMoELayer(router, _experts.Bank, new SparseMoELayerOptions { Guardrail = guardrail })).Message,
            StringComparison.Ordinal);
    }

    private static GuardrailOptions Every() => new() { SampleRate = 1, QueueCapacity = Tokens, RunInBackground = false };

    private static MeterListener Listen(string name, Action<double, KeyValuePair<string, object?>[]> callback)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == MoEMetrics.MeterName && instrument.Name == name)
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, value, tags, _) => callback(value, tags.ToArray()));
        listener.Start();
        return listener;
    }

    private MoELayer Layer(DynamicRouter router, ShadowGuardrail? guardrail, bool managed)
    {
        var options = new MoELayerOptions { Guardrail = guardrail, GuardrailName = "watched" };
        return managed
            ? new MoELayer(router, e => FunctionExpert.Times(e + 1), Experts, options)
            : new MoELayer(router, _experts.Bank, options);
    }
}
