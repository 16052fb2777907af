namespace DynamicMoE;

/// <summary>Two ends of a 95 % confidence interval.</summary>
internal readonly record struct Interval(double Low, double High);

/// <summary>Measured values in order.</summary>
internal sealed class Sample
{
    private readonly double[] _sorted;

    /// <param name="values">At least one; copied.</param>
    internal Sample(ReadOnlySpan<double> values)
    {
        _sorted = values.ToArray();
        Array.Sort(_sorted);
    }

    internal int Count => _sorted.Length;

    internal double Smallest => _sorted[0];

    internal double Largest => _sorted[^1];

    internal double Mean => _sorted.Average();

    /// <summary>By n - 1; 0 for one value.</summary>
    internal double StandardDeviation
    {
        get
        {
            double mean = Mean;
            return Count < 2 ? 0 : Math.Sqrt(_sorted.Sum(value => (value - mean) * (value - mean)) / (Count - 1));
        }
    }

    /// <summary>The middle value, or the mean of the two middle ones.</summary>
    internal double Median => (_sorted[(Count - 1) / 2] + _sorted[Count / 2]) / 2;

    /// <summary>The smallest value with at least that share of the sample at or below it.</summary>
    /// <param name="share">Above 0, at most 1.</param>
    internal double Quantile(double share)
    {
        // A product like 0.95 * 20 may come out a rounding above the whole number that it is.
        int rank = (int)Math.Ceiling((share * Count) - 1e-9);
        return _sorted[Math.Clamp(rank, 1, Count) - 1];
    }

    /// <summary>Confidence interval of a quantile, see <see cref="OrderRanks"/>; null when the sample is too small for one.</summary>
    internal Interval? IntervalOf(double share) =>
        OrderRanks.Of(Count, share) is var (low, high) ? new Interval(_sorted[low - 1], _sorted[high - 1]) : null;
}
