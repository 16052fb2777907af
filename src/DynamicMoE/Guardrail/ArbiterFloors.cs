namespace DynamicMoE;

/// <summary>The budgets of the routers under a guardrail. Layers that share an arbiter count once.</summary>
internal sealed class ArbiterFloors : IBudgetFloor
{
    private readonly Lock _gate = new();
    private readonly List<BudgetArbiter> _arbiters = [];
    private double? _floor;

    /// <summary>The largest budget; infinity when no router holds one.</summary>
    public double Base => Most(arbiter => arbiter.Decision.Base, double.PositiveInfinity);

    /// <summary>The most experts; 0 when no router holds a budget.</summary>
    public double Highest => Most(arbiter => arbiter.MaxExperts, 0);

    public void SetFloor(double? floor)
    {
        lock (_gate)
        {
            _floor = floor;
            foreach (BudgetArbiter arbiter in _arbiters)
            {
                arbiter.GuardrailFloor = floor;
            }
        }
    }

    /// <summary>Adds the budget of one router.</summary>
    internal void Add(BudgetArbiter arbiter)
    {
        lock (_gate)
        {
            _arbiters.Add(arbiter);
            arbiter.GuardrailFloor = _floor;
        }
    }

    /// <summary>Removes the budget of one router; the last one takes its floor along.</summary>
    internal void Remove(BudgetArbiter arbiter)
    {
        lock (_gate)
        {
            if (_arbiters.Remove(arbiter) && !_arbiters.Contains(arbiter))
            {
                arbiter.GuardrailFloor = null;
            }
        }
    }

    private double Most(Func<BudgetArbiter, double> value, double none)
    {
        lock (_gate)
        {
            return _arbiters.Count == 0 ? none : _arbiters.Max(value);
        }
    }
}
