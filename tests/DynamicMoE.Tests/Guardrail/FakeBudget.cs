namespace DynamicMoE.Tests.Guardrail;

/// <summary>A budget that remembers the floors it was given.</summary>
internal sealed class FakeBudget(double basis, double highest) : IBudgetFloor
{
    public double Base { get; set; } = basis;

    public double Highest { get; } = highest;

    public List<double?> Floors { get; } = [];

    public void SetFloor(double? floor) => Floors.Add(floor);
}
