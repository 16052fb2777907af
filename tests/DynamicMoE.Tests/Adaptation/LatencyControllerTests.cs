using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Memory;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Adaptation;

public sealed class LatencyControllerTests
{
    private readonly ManualClock _clock = new();
    private readonly BudgetArbiter _arbiter = new(new BudgetArbiterOptions { Budget = 4, MaxExperts = 4 });
    private readonly SeededRandom _random = new(81);

    private LatencyController Create(double milliseconds = 4) => new(_arbiter, new LatencyControllerOptions
    {
        Target = TimeSpan.FromMilliseconds(milliseconds), TimeProvider = _clock,
    });

    [Fact]
    public void Stop_WhenCallsAreSlow_LowersTheBudgetUntilTheTargetHolds()
    {
        LatencyController controller = Create();
        List<double> ceilings = Run(controller, minutes: 10, k => 1 + (1.2 * k));

        Assert.True(controller.P95 <= controller.Target, $"{controller.P95}");
        Assert.InRange(_arbiter.Decision.Effective, 1.5, 2.5);
        Assert.Equal(BudgetDecider.Latency, _arbiter.Decision.DecidedBy);
        Assert.True(ceilings[^1] < 4);
    }

    [Fact]
    public void Stop_WhenTheLoadIsSteady_DoesNotOscillate()
    {
        LatencyController controller = Create();
        Run(controller, minutes: 10, k => 1 + (1.2 * k));
        List<double> later = Run(controller, minutes: 120, k => 1 + (1.2 * k));

        // Trials of a higher ceiling get rarer; between them the budget stands still within one step.
        int moves = later.Zip(later.Skip(1)).Count(pair => pair.First != pair.Second);
        Assert.True(moves <= 12, $"{moves} moves in two hours");
        Assert.InRange(later.Max() - later.Min(), 0, 0.05 * later.Average() + 0.1);
    }

    [Fact]
    public void Stop_WhenCallsAreFastAgain_RaisesTheCeilingStepByStepAndDropsIt()
    {
        LatencyController controller = Create();
        Run(controller, minutes: 5, k => 1 + (1.2 * k));
        double low = _arbiter.Decision.Effective;
        List<double> later = Run(controller, minutes: 120, _ => 0.5);

        Assert.True(later.Zip(later.Skip(1)).All(pair => pair.Second - pair.First <= 0.0501));
        Assert.True(later[^1] > low);
        Assert.Null(_arbiter.LatencyCeiling);
    }

    [Fact]
    public void Stop_WhenThePercentileIsWithinTheBand_ChangesNothing()
    {
        LatencyController controller = Create();
        Run(controller, minutes: 30, _ => 3.6);

        Assert.Null(_arbiter.LatencyCeiling);
        Assert.InRange(controller.P95.TotalMilliseconds, 3.5, 4);
    }

    [Fact]
    public void Stop_WhenFewerThanFivePercentAreSlow_ChangesNothing()
    {
        LatencyController controller = Create();
        Run(controller, minutes: 10, _ => _random.NextDouble() < 0.03 ? 50 : 1);

        Assert.Null(_arbiter.LatencyCeiling);
    }

    [Fact]
    public void Stop_WhenNothingHelps_StopsAtTheMinimum()
    {
        LatencyController controller = Create();
        Run(controller, minutes: 5, _ => 50);

        Assert.Equal(1, _arbiter.Decision.Effective);
    }

    [Fact]
    public void Stop_WhenTheWindowPassedWithoutCalls_ForgetsWhatWasBefore()
    {
        LatencyController controller = Create();
        for (int i = 0; i < 99; i++)
        {
            Call(controller, 50);
        }

        _clock.Advance(TimeSpan.FromMinutes(5));
        for (int i = 0; i < 99; i++)
        {
            Call(controller, 50);
        }

        Assert.Null(_arbiter.LatencyCeiling);
        Call(controller, 50);
        Assert.NotNull(_arbiter.LatencyCeiling);
    }

    [Fact]
    public void Stop_WhenTheArbiterIsFrozen_ChangesNothing()
    {
        LatencyController controller = Create();
        _arbiter.Frozen = true;
        Run(controller, minutes: 2, _ => 50);

        Assert.Null(_arbiter.LatencyCeiling);
        Assert.InRange(controller.P95.TotalMilliseconds, 49, 55);
    }

    [Fact]
    public void Stop_WhenNothingMoves_AllocatesNothing()
    {
        LatencyController controller = Create();
        Run(controller, minutes: 2, _ => 3.6);
        Assert.Equal(0, AllocatedBytes.Least(() => Call(controller, 3.6), calls: 20_000));
    }

    [Fact]
    public void Constructor_WhenOptionsAreBroken_NamesThem()
    {
        var options = new LatencyControllerOptions { Target = TimeSpan.Zero, Window = TimeSpan.Zero, MinCalls = 1, RaiseBelow = 1, Step = 0 };
        string message = Assert.Throws<RouterConfigurationException>(() => new LatencyController(_arbiter, options)).Message;

        Assert.All(new[] { "Target", "Window", "MinCalls", "RaiseBelow", "Step" }, name => Assert.Contains(name, message, StringComparison.Ordinal));
    }

    /// <summary>Calls whose milliseconds follow from the budget, with 2 % of noise; returns the budget after each second.</summary>
    private List<double> Run(LatencyController controller, int minutes, Func<double, double> milliseconds)
    {
        var budgets = new List<double>();
        for (int second = 0; second < minutes * 60; second++)
        {
            for (int call = 0; call < 20; call++)
            {
                double k = _arbiter.BeginBatch().Effective;
                Call(controller, milliseconds(k) * (1 + (0.02 * _random.NextGaussian())));
            }

            _clock.Advance(TimeSpan.FromSeconds(0.9));
            budgets.Add(_arbiter.BeginBatch().Effective);
        }

        return budgets;
    }

    private void Call(LatencyController controller, double milliseconds)
    {
        long start = controller.Start();
        _clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        controller.Stop(start);
    }
}
