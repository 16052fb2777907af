namespace DynamicMoE;

/// <summary>Everything that bears on a budget, as one value: a reader sees all of a change or nothing of it.</summary>
internal sealed record BudgetInputs(int MinExperts, int MaxExperts, double Budget)
{
    /// <summary>What UpdateThresholds proposes, added to <see cref="Budget"/>.</summary>
    internal double Adaptation { get; init; }

    /// <summary>What the autoscaler proposes, added to <see cref="Budget"/>.</summary>
    internal double Scaling { get; init; }

    internal double? Floor { get; init; }

    internal double? Latency { get; init; }

    internal double? Overload { get; init; }

    internal BudgetDecision Decide(double? request)
    {
        double basis = request ?? Math.Clamp(Budget + Adaptation + Scaling, MinExperts, MaxExperts);
        BudgetDecider by = request is null ? BudgetDecider.Layer : BudgetDecider.Request;
        double value = basis;
        double floor = Floor ?? 0;
        if (floor > value)
        {
            (value, by) = (floor, BudgetDecider.Guardrail);
        }

        // Of two equal ceilings overload is named: it is the one that sheds next.
        double overload = Overload ?? double.PositiveInfinity;
        double latency = Latency ?? double.PositiveInfinity;
        double ceiling = Math.Min(latency, overload);
        if (ceiling < value)
        {
            (value, by) = (ceiling, overload <= latency ? BudgetDecider.Overload : BudgetDecider.Latency);
        }

        if (value < MinExperts)
        {
            (value, by) = (MinExperts, BudgetDecider.Minimum);
        }
        else if (value > MaxExperts)
        {
            (value, by) = (MaxExperts, BudgetDecider.Maximum);
        }

        return new BudgetDecision(basis, floor, ceiling, value, by, Floor is not null && value < Math.Clamp(floor, MinExperts, MaxExperts));
    }
}
