using System.Diagnostics.Metrics;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Adaptation;

/// <summary>Health, metrics, and keeping the state.</summary>
public sealed class ArbiterStateTests
{
    private readonly ListLogger _log = new();
    private readonly SeededRandom _random = new(91);

    private (BudgetArbiter Arbiter, ThresholdController[] Layers) Create(int layers = 2, string name = "default", double[]? sensitivity = null)
    {
        var arbiter = new BudgetArbiter(new BudgetArbiterOptions
        {
            Budget = 1.5, MaxExperts = 2, Layers = layers, Name = name, Logger = _log, Sensitivity = sensitivity,
        });
        var controllers = new ThresholdController[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            controllers[layer] = new ThresholdController(new ThresholdControllerOptions { Budget = 1.5, MaxExperts = 2 });
            arbiter.Attach(layer, controllers[layer]);
        }

        return (arbiter, controllers);
    }

    [Fact]
    public void Health_WhenALayerMissesItsBudget_IsDegradedAndLogsOnce()
    {
        (BudgetArbiter arbiter, ThresholdController[] layers) = Create();
        Run(layers[0], 300, () => (float)_random.NextDouble());
        Assert.False(arbiter.Health.Degraded);
        Assert.Contains("Layer 0: the budget of 1.5 experts per token is held", Assert.Single(_log.Messages), StringComparison.Ordinal);

        Run(layers[1], 300, () => 0);

        Assert.Equal(new AdaptationHealth(1, 1, false), arbiter.Health);
        Assert.True(arbiter.Health.Degraded);
        Assert.False(arbiter.BudgetAttainable);
        Assert.Contains("Layer 1: no threshold gives the budget of 1.5 experts per token; the nearest reachable mean, 2", _log.Messages[1], StringComparison.Ordinal);
        Assert.InRange(_log.Messages.Count, 2, 3);
    }

    [Fact]
    public void RealisedMean_WhenLayersDiffer_IsTheirMean()
    {
        (BudgetArbiter arbiter, ThresholdController[] layers) = Create(sensitivity: [243, 1]);
        Assert.True(double.IsNaN(arbiter.RealisedMean));
        Assert.True(double.IsNaN(arbiter.LayerRealisedMean(1)));
        foreach (ThresholdController layer in layers)
        {
            Run(layer, 400, () => (float)_random.NextDouble());
        }

        Assert.Equal(1.75, arbiter.LayerRealisedMean(0), 0.02 * 1.75);
        Assert.Equal(1.25, arbiter.LayerRealisedMean(1), 0.02 * 1.25);
        Assert.Equal(1.5, arbiter.RealisedMean, 0.02 * 1.5);
        Assert.Throws<ArgumentOutOfRangeException>(() => arbiter.LayerRealisedMean(2));
    }

    [Fact]
    public async Task WaitForConvergence_WhenOneLayerMisses_Throws()
    {
        (BudgetArbiter arbiter, ThresholdController[] layers) = Create();
        Task wait = arbiter.WaitForConvergenceAsync(Timeout.InfiniteTimeSpan);
        Run(layers[0], 300, () => (float)_random.NextDouble());
        Assert.False(wait.IsCompleted);
        Run(layers[1], 300, () => 0);

        await Assert.ThrowsAsync<ConvergenceException>(() => wait);
    }

    [Fact]
    public async Task WaitForConvergence_WhenOneLayerMissesAndAnotherHasNoInput_Throws()
    {
        (BudgetArbiter arbiter, ThresholdController[] layers) = Create();
        Task wait = arbiter.WaitForConvergenceAsync(Timeout.InfiniteTimeSpan);
        Run(layers[1], 300, () => 0);

        await Assert.ThrowsAsync<ConvergenceException>(() => wait.WaitAsync(TimeSpan.FromMinutes(1)));
        using var cancelled = new CancellationTokenSource();
        (arbiter, _) = Create();
        wait = arbiter.WaitForConvergenceAsync(Timeout.InfiniteTimeSpan, null, cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait.WaitAsync(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void Snapshot_WhenItGoesThroughJson_RestoresAllOfTheState()
    {
        (BudgetArbiter arbiter, ThresholdController[] layers) = Create(sensitivity: [3, 1]);
        arbiter.Budget = 1.6;
        arbiter.ProposeAdaptation(0.1);
        arbiter.ProposeScaling(-0.05);
        arbiter.BeginBatch();
        Run(layers[0], 30, () => (float)_random.NextDouble());
        Run(layers[1], 30, () => _random.NextDouble() < 0.5 ? 0.25f : (float)_random.NextDouble());
        string json = arbiter.Snapshot().ToJson();

        (BudgetArbiter second, ThresholdController[] restored) = Create(sensitivity: [3, 1]);
        second.Restore(AdaptationSnapshot.FromJson(json));
        second.BeginBatch();

        Assert.Equal(json, second.Snapshot().ToJson());
        Assert.Equal(arbiter.Decision, second.Decision);
        for (int layer = 0; layer < 2; layer++)
        {
            Assert.Equal(layers[layer].Tau, restored[layer].Tau);
            Assert.Equal(layers[layer].TauFor(1.3), restored[layer].TauFor(1.3));
        }
    }

    [Fact]
    public void Restore_WhenFloorAndCeilingsAreSet_LeavesThemToTheirOwners()
    {
        (BudgetArbiter arbiter, _) = Create();
        arbiter.GuardrailFloor = 1.9;
        arbiter.LatencyCeiling = 1.1;
        arbiter.BeginBatch();
        AdaptationSnapshot loaded = arbiter.Snapshot();

        (BudgetArbiter second, _) = Create();
        second.Restore(loaded);
        Assert.Equal((null, null), (second.GuardrailFloor, second.LatencyCeiling));

        second.GuardrailFloor = 1.2;
        second.LatencyCeiling = 1.8;
        second.OverloadCeiling = 1.7;
        second.Restore(loaded);
        Assert.Equal((1.2, 1.8, 1.7), (second.GuardrailFloor, second.LatencyCeiling, second.OverloadCeiling));
    }

    [Fact]
    public void Restore_OfAControllerUnderAnArbiter_KeepsTheArbitersBudgetAndFindsItsThreshold()
    {
        var source = new ThresholdController(new ThresholdControllerOptions { Budget = 1.1, MaxExperts = 2 });
        Run(source, 100, () => (float)_random.NextDouble());
        (_, ThresholdController[] layers) = Create();

        layers[0].Restore(source.Snapshot());

        Assert.Equal(1.5, layers[0].Budget);
        Assert.Equal(source.TauFor(1.5), layers[0].Tau, 0.01);
        Assert.NotEqual(source.Tau, layers[0].Tau, 0.01f);
    }

    [Fact]
    public void Restore_WhenTheStateDoesNotFit_ChangesNothing()
    {
        (BudgetArbiter arbiter, ThresholdController[] layers) = Create();
        Run(layers[0], 30, () => (float)_random.NextDouble());
        AdaptationSnapshot good = arbiter.Snapshot();
        string before = good.ToJson();
        AdaptationSnapshot[] broken =
        [
            good with { MaxExperts = 3 },
            good with { Budget = 3 },
            good with { Adaptation = double.NaN },
            good with { Scaling = double.PositiveInfinity },
            good with { Layers = [good.Layers[0]] },
            good with { Layers = null! },
            good with { Layers = [good.Layers[0]! with { Tau = 0.9f }, good.Layers[1]! with { Tau = 2 }] },
            good with { Layers = [good.Layers[0], good.Layers[1]! with { Atoms = [new GapAtom(-1, 1, 1)] }] },
            good with { Layers = [good.Layers[0], good.Layers[1]! with { GapCounts = null! }] },
        ];

        Assert.All(broken, snapshot => Assert.Throws<RouterConfigurationException>(() => arbiter.Restore(snapshot)));
        Assert.Equal(before, arbiter.Snapshot().ToJson());
        Assert.Throws<ArgumentNullException>(() => arbiter.Restore(null!));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"Unknown\":1}")]
    [InlineData("[1,2]")]
    public void FromJson_WhenTheTextIsNoState_SaysSo(string json)
    {
        Assert.Contains("no adaptation state", Assert.Throws<RouterConfigurationException>(() => AdaptationSnapshot.FromJson(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Metrics_WhenTheBudgetChanges_CarryNameAndDecider()
    {
        var seen = new List<(string Instrument, double Value, string Tags)>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == Instruments.MeterName && instrument.Name.StartsWith("dynamicmoe.budget.", StringComparison.Ordinal))
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string text = string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"));
            if (text.Contains("budget=metrics-test", StringComparison.Ordinal))
            {
                seen.Add((instrument.Name, value, text));
            }
        }

        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();
        (BudgetArbiter arbiter, ThresholdController[] layers) = Create(name: "metrics-test");

        // Gauges are there before anything happened.
        listener.RecordObservableInstruments();
        Assert.Contains(("dynamicmoe.budget.effective", arbiter.Budget, "budget=metrics-test"), seen);
        Assert.Contains(("dynamicmoe.budget.unattainable_layers", 0, "budget=metrics-test"), seen);
        Assert.Contains(("dynamicmoe.budget.missed_layers", 0, "budget=metrics-test"), seen);
        seen.Clear();

        arbiter.OverloadCeiling = 1.25;
        arbiter.BeginBatch();
        Run(layers[0], 300, () => 0);
        listener.RecordObservableInstruments();

        Assert.Contains(("dynamicmoe.budget.effective", 1.25, "budget=metrics-test"), seen);
        Assert.Contains(("dynamicmoe.budget.decisions", 1, "budget=metrics-test decided_by=Overload"), seen);
        Assert.Contains(("dynamicmoe.budget.unattainable_layers", 1, "budget=metrics-test"), seen);
        Assert.Contains(("dynamicmoe.budget.missed_layers", 1, "budget=metrics-test"), seen);

        // Another one of that name takes its place, and one without routers leaves.
        (BudgetArbiter next, ThresholdController[] others) = Create(name: "metrics-test");
        seen.Clear();
        listener.RecordObservableInstruments();
        Assert.Equal(("dynamicmoe.budget.effective", next.Budget, "budget=metrics-test"), Assert.Single(seen, found => found.Item1 == "dynamicmoe.budget.effective"));
        Array.ForEach(others, next.Release);
        Array.ForEach(layers, arbiter.Release);
        seen.Clear();
        listener.RecordObservableInstruments();
        Assert.Empty(seen);
    }

    [Fact]
    public void TagOf_WhenThereAreManyNames_IsOneOfABoundedSet()
    {
        HashSet<string> tags = [.. Enumerable.Range(0, 1000).Select(i => Instruments.TagOf(Instruments.BudgetTag, $"name {i}"))];

        Assert.InRange(tags.Count, 1, Instruments.MostNames + 1);
        Assert.Contains("other", tags);
    }

    private static void Run(ThresholdController controller, int batches, Func<float> gap)
    {
        for (int batch = 0; batch < batches; batch++)
        {
            float[] gaps = [.. Enumerable.Range(0, 128).Select(i => i % 2 == 0 ? 0 : gap())];
            ThresholdRule.Step(controller, gaps, 2);
        }
    }
}
