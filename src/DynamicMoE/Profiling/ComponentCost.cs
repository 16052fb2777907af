namespace DynamicMoE;

/// <summary>What one part of a batch's work costs, by formula.</summary>
/// <param name="Component">One of <see cref="ProfileComponents"/>.</param>
/// <param name="Format">Format of the weights behind <paramref name="ProductFlops"/>: it names the instruction whose peak they are held against.</param>
/// <param name="ProductFlops">Operations of matrix products: two per weight and row.</param>
/// <param name="OtherFlops">All other operations on elements: one for each addition, subtraction, multiplication, division, square root, exponential,
/// logarithm, tanh and erf. Comparisons, integers and conversions are not counted.</param>
/// <param name="WeightBytes">Bytes of weights that have to be read, as the native core keeps them, padding included; each weight once.</param>
/// <param name="ActivationBytes">Bytes of the rows that are read and written, in float32, each once. What stays inside an expert is not counted.</param>
public sealed record ComponentCost(
    string Component, WeightFormat Format, long ProductFlops, long OtherFlops, long WeightBytes, long ActivationBytes)
{
    /// <summary>All operations.</summary>
    public long Flops => ProductFlops + OtherFlops;
}
