using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Wrappers.Scaling;

/// <summary>What follows from a sequence of loads, without a clock.</summary>
public sealed class AutoscalerTests
{
    private const int Window = 6;

    private static readonly ScalingLoad Slow = new(P95: 0.02, Queue: 0, Utilization: 0.3);
    private static readonly ScalingLoad Crowded = new(P95: 0.001, Queue: 3, Utilization: 0.3);
    private static readonly ScalingLoad SlowAndFull = new(P95: 0.02, Queue: 0, Utilization: 0.9);
    private static readonly ScalingLoad Between = new(P95: 0.008, Queue: 0.8, Utilization: 0.6);
    private static readonly ScalingLoad Calm = new(P95: 0.001, Queue: 0, Utilization: 0.1);

    [Fact]
    public void Step_WhenTheTargetIsMissedWhileCoresAreFree_DoublesTheWorkersAtOnce()
    {
        Autoscaler scaler = Scaler(workers: 1);

        Assert.Equal([2, 4, 6, 6], Enumerable.Range(0, 4).Select(_ => After(scaler, Slow)));
        Assert.Equal((3L, 0L, ScalingAction.MoreWorkers), (scaler.ScaleUps, scaler.ScaleDowns, scaler.LastAction));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Step_WhenCallersAloneFillTheCores_HalvesTheWorkersAndThenLowersTheBudget(bool full)
    {
        BudgetArbiter arbiter = Arbiter();
        Autoscaler scaler = Scaler(workers: 6, arbiter);
        ScalingLoad load = full ? SlowAndFull : Crowded;

        Assert.Equal([3, 1, 1], Enumerable.Range(0, 3).Select(_ => After(scaler, load)));
        Assert.Equal(-0.2, scaler.Offset);
        arbiter.BeginBatch();
        Assert.Equal(1.3, arbiter.Decision.Effective, 1e-12);
        for (int i = 0; i < 10; i++)
        {
            scaler.Step(load, 6);
        }

        Assert.Equal(-0.5, scaler.Offset);
        Assert.Equal((3L, 2L), (scaler.BudgetChanges, scaler.ScaleDowns));
    }

    [Fact]
    public void Step_WhenTheLoadIsBetweenTheLimits_ChangesNothing()
    {
        Autoscaler scaler = Scaler(workers: 3);

        Assert.All(Enumerable.Range(0, 10 * Window), _ => Assert.Equal(ScalingAction.None, scaler.Step(Between, 6)));
    }

    [Fact]
    public void Step_WhenTheLoadIsLow_GivesTheBudgetBackBeforeItGivesWorkersUp()
    {
        BudgetArbiter arbiter = Arbiter();
        Autoscaler scaler = Scaler(workers: 1, arbiter);
        scaler.Step(SlowAndFull, 2);
        scaler.Step(Slow, 2);
        Assert.Equal((2, -0.2), (scaler.Workers, scaler.Offset));
        var actions = new List<ScalingAction>();
        for (int interval = 0; interval < 4 * Window; interval++)
        {
            actions.Add(scaler.Step(Calm, 2));
        }

        // One step per whole window: the budget, and then a thread.
        Assert.Equal(
            [ScalingAction.RaiseBudget, ScalingAction.FewerWorkers, ScalingAction.None, ScalingAction.None],
            Enumerable.Range(1, 4).Select(window => actions[(window * Window) - 1]));
        Assert.Equal(2, actions.Count(action => action != ScalingAction.None));
        Assert.Equal((1, 0.0), (scaler.Workers, scaler.Offset));
    }

    [Fact]
    public void Step_WhenTheLoadIsLowWithInterruptions_WaitsForAWholeWindow()
    {
        Autoscaler scaler = Scaler(workers: 4);
        for (int round = 0; round < 10; round++)
        {
            for (int interval = 0; interval < Window - 1; interval++)
            {
                scaler.Step(Calm, 6);
            }

            scaler.Step(Between, 6);
        }

        Assert.Equal(4, scaler.Workers);
    }

    [Fact]
    public void Step_WhenWhatWasGivenUpIsMissed_WaitsTwiceAsLongTheNextTime()
    {
        Autoscaler scaler = Scaler(workers: 2);
        int[] waits = [.. Enumerable.Range(0, 7).Select(_ =>
        {
            int calm = 1;
            while (scaler.Step(Calm, 2) == ScalingAction.None)
            {
                calm++;
            }

            Assert.Equal(ScalingAction.MoreWorkers, scaler.Step(Slow, 2));
            return calm / Window;
        })];

        Assert.Equal([1, 2, 4, 8, 16, 16, 16], waits);
    }

    [Fact]
    public void Step_WhenTheArbiterIsFrozen_ProposesNothing()
    {
        BudgetArbiter arbiter = Arbiter();
        arbiter.Frozen = true;
        Autoscaler scaler = Scaler(workers: 1, arbiter);

        Assert.Equal(ScalingAction.None, scaler.Step(SlowAndFull, 6));
        Assert.Equal(0, scaler.Offset);
        arbiter.Frozen = false;
        Assert.Equal(ScalingAction.LowerBudget, scaler.Step(SlowAndFull, 6));
    }

    [Fact]
    public void Step_WhenItIsOffOrHasNoArbiter_ChangesNothing()
    {
        Autoscaler off = new(Options(), enabled: false, 3, Arbiter());
        Autoscaler alone = Scaler(workers: 1);

        Assert.Equal(ScalingAction.None, off.Step(Slow, 6));
        Assert.Equal(ScalingAction.None, alone.Step(SlowAndFull, 6));
        Assert.False(off.Proposes);
        Assert.False(alone.Proposes);
        Assert.False(new Autoscaler(Options(o => o.MaxBudgetCut = 0), true, 1, Arbiter()).Proposes);
    }

    [Fact]
    public void Step_WhenItChangesSomething_SaysWhatAndWhy()
    {
        var log = new LogCollector();
        new Autoscaler(Options(o => o.Logger = log), enabled: true, 1, null).Step(Slow, 4);

        Assert.Equal(
            "MoreWorkers: calls may use 2 threads, 0.00 experts per token are proposed to the budget. P95 20.000 ms, 0.0 calls waiting, utilization 0.30.",
            Assert.Single(log.Informations));
    }

    private static Autoscaler Scaler(int workers, BudgetArbiter? arbiter = null) => new(Options(), enabled: true, workers, arbiter);

    private static ScalingOptions Options(Action<ScalingOptions>? configure = null)
    {
        var options = new ScalingOptions { Interval = TimeSpan.FromSeconds(1), Stabilization = TimeSpan.FromSeconds(Window), BudgetStep = 0.2 };
        configure?.Invoke(options);
        return options.Validated(6);
    }

    private static BudgetArbiter Arbiter() => new(new BudgetArbiterOptions { Budget = 1.5, MaxExperts = 2 });

    private static int After(Autoscaler scaler, ScalingLoad load)
    {
        scaler.Step(load, 6);
        return scaler.Workers;
    }
}
