using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Guardrail;

public sealed class FloorControlTests
{
    private const double Over = 0.5;
    private const double Between = 0.25;
    private const double Calm = 0.1;
    private readonly LogCollector _log = new();
    private readonly FakeBudget _budget = new(1.5, 2);
    private readonly FloorControl _control;
    private readonly FloorControl.Source _source;

    public FloorControlTests()
    {
        _control = new FloorControl(Options(), _budget);
        _source = _control.Attach("layer.0", 0.3);
    }

    [Fact]
    public void Add_WhenTheMeanIsOverTheLimit_RaisesOneStepAboveTheBudgetInForce()
    {
        Window(Over);

        Assert.Equal([1.75], _budget.Floors);
        Assert.Equal(1.75, _control.Floor);
        Assert.Contains("Drift of layer.0 is 0.500, above 0.300", Assert.Single(_log.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Add_WhenSamplesAreFewerThanTheMinimum_DecidesNothing()
    {
        for (int i = 0; i < 3; i++)
        {
            _control.Add(_source, 100, _control.Generation);
        }

        Assert.Empty(_budget.Floors);
    }

    [Fact]
    public void Add_WhenOneSampleIsLarge_LooksAtTheMean()
    {
        // 0.9 alone is over the limit, the mean of the window, 0.225, is not.
        _control.Add(_source, 0.9, _control.Generation);
        for (int i = 0; i < 3; i++)
        {
            _control.Add(_source, 0, _control.Generation);
        }

        Assert.Empty(_budget.Floors);
    }

    [Fact]
    public void Add_WhenDriftStaysOver_StopsAtTheHighestAndSaysSoOnce()
    {
        for (int i = 0; i < 6; i++)
        {
            Window(Over);
        }

        Assert.Equal([1.75, 2], _budget.Floors);
        Assert.Equal(3, _log.Warnings.Count);
        Assert.Contains("cannot raise the budget: all 2 experts are in use", _log.Warnings[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Add_WhenDriftIsBetweenCalmAndLimit_HoldsTheFloor()
    {
        Window(Over);
        for (int i = 0; i < 20; i++)
        {
            Window(Between);
        }

        Assert.Equal([1.75], _budget.Floors);
    }

    [Fact]
    public void Add_WhenDriftStaysCalm_LowersStepByStepAndThenLetsGo()
    {
        Window(Over);
        Window(Over);
        int windows = 0;
        while (_control.Floor is not null)
        {
            Window(Calm);
            windows++;
        }

        // Two steps of two calm windows each; at the base there is no floor any more.
        Assert.Equal([1.75, 2, 1.75, null], _budget.Floors);
        Assert.Equal(4, windows);
        Assert.Equal((2L, 2L), (_control.Raised, _control.Lowered));
        Assert.Equal(2, _log.Informations.Count);
    }

    [Fact]
    public void Add_WhenCalmIsInterrupted_CountsAnew()
    {
        Window(Over);
        Window(Calm);
        Window(Between);
        Window(Calm);
        Assert.Equal([1.75], _budget.Floors);

        Window(Calm);
        Assert.Equal([1.75, null], _budget.Floors);
    }

    [Fact]
    public void Add_WhenASampleWasTakenUnderAnotherFloor_IgnoresIt()
    {
        long before = _control.Generation;
        Window(Over);
        Assert.NotEqual(before, _control.Generation);

        for (int i = 0; i < 8; i++)
        {
            _control.Add(_source, Over, before);
        }

        Assert.Equal([1.75], _budget.Floors);
    }

    [Fact]
    public void Add_WhenOneOfTwoSourcesIsNotCalm_KeepsTheFloor()
    {
        FloorControl.Source other = _control.Attach("layer.1", 0.3);
        Window(Over);
        for (int i = 0; i < 10; i++)
        {
            Window(Calm);
            Window(Between, other);
        }

        Assert.Equal([1.75], _budget.Floors);
        _control.Detach(other);
        Window(Calm);
        Assert.Equal([1.75, null], _budget.Floors);
        Window(Over, other);
        Assert.Equal(2, _budget.Floors.Count);
    }

    [Fact]
    public void Add_WhenASourceHasNotMeasuredUnderTheFloorYet_KeepsTheFloor()
    {
        FloorControl.Source logits = _control.Attach("logits", 0.3);
        Window(Over, logits);
        for (int i = 0; i < 10; i++)
        {
            Window(Calm);
        }

        Assert.Equal([1.75], _budget.Floors);
        Window(Calm, logits);
        Assert.Equal([1.75], _budget.Floors);
        Window(Calm, logits);
        Assert.Equal([1.75, null], _budget.Floors);
    }

    [Fact]
    public void Add_WhenASourceNeverMeasures_DoesNotWaitForIt()
    {
        _control.Attach("idle", 0.3);
        Window(Over);
        Window(Calm);
        Window(Calm);

        Assert.Equal([1.75, null], _budget.Floors);
    }

    [Fact]
    public void Add_WhenTheBudgetRoseMeanwhile_RaisesAboveThat()
    {
        Window(Over);
        _budget.Base = 1.8;
        Window(Over);

        Assert.Equal([1.75, 2], _budget.Floors);
    }

    [Fact]
    public void Add_WhenNoBudgetIsHeld_WarnsOnce()
    {
        var control = new FloorControl(Options(), new ArbiterFloors());
        FloorControl.Source source = control.Attach("x", 0.3);
        for (int i = 0; i < 12; i++)
        {
            control.Add(source, Over, control.Generation);
        }

        Assert.Null(control.Floor);
        Assert.Contains("no budget is held", Assert.Single(_log.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Release_WhenAFloorIsSet_TakesItAway()
    {
        _control.Release();
        Assert.Empty(_budget.Floors);

        Window(Over);
        _control.Release();
        Assert.Equal([1.75, null], _budget.Floors);
    }

    private GuardrailOptions Options() => new() { MinimumSamples = 4, CalmWindows = 2, FloorStep = 0.25, Logger = _log };

    private void Window(double drift, FloorControl.Source? source = null)
    {
        for (int i = 0; i < 4; i++)
        {
            _control.Add(source ?? _source, drift, _control.Generation);
        }
    }
}
