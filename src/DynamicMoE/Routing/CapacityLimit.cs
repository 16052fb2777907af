namespace DynamicMoE;

/// <summary>Most routes of an expert in a batch: ceil(Factor * routes of the batch / experts).</summary>
/// <param name="Factor">Finite and above 0.</param>
/// <param name="Overflow">What happens to a route over the capacity.</param>
public readonly record struct CapacityLimit(float Factor, OverflowPolicy Overflow)
{
    /// <exception cref="RouterConfigurationException">A value is outside its range.</exception>
    internal void RequireValid() => new OptionRules(nameof(CapacityLimit))
        .Positive(nameof(Factor), Factor)
        .Defined(nameof(Overflow), Overflow)
        .ThrowIfBroken();
}
