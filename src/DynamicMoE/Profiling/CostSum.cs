namespace DynamicMoE;

/// <summary>Costs of several batches together.</summary>
internal readonly record struct CostSum(double Routes, double Distinct, double Products, double Other, double Bytes)
{
    internal CostSum Plus(RoutingReport report, IReadOnlyList<ComponentCost> costs) => new(
        Routes + report.Routes,
        Distinct + report.DistinctExperts,
        Products + costs.Sum(cost => cost.ProductFlops),
        Other + costs.Sum(cost => cost.OtherFlops),
        Bytes + costs.Sum(cost => cost.WeightBytes));

    internal CostSum Mean(int passes) => new(Routes / passes, Distinct / passes, Products / passes, Other / passes, Bytes / passes);
}

/// <summary>How far outputs are from others.</summary>
internal sealed class OutputDifference
{
    private double _squares;
    private double _reference;

    /// <summary>|y - y1| / |y1|; 0 where both are zero.</summary>
    internal double Relative => _squares == 0 ? 0 : Math.Sqrt(_squares / _reference);

    internal void Add(ReadOnlySpan<float> values, ReadOnlySpan<float> reference)
    {
        for (int i = 0; i < values.Length; i++)
        {
            double difference = (double)values[i] - reference[i];
            _squares += difference * difference;
            _reference += (double)reference[i] * reference[i];
        }
    }
}
