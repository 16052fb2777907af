namespace DynamicMoE.Cli.Sweep;

/// <summary>Sums of paired windows with their standard errors.</summary>
internal static class PairedStatistics
{
    /// <summary>Standard errors from an estimate to the end of its two-sided 95 % interval.</summary>
    public const double Normal95 = 1.96;

    /// <summary>Sum of the windows' differences, and its standard error over windows.</summary>
    /// <param name="left">One value per window.</param>
    /// <param name="right">The same windows under another rule.</param>
    public static Estimate Difference(IReadOnlyList<double> left, IReadOnlyList<double> right)
    {
        double[] differences = [.. left.Zip(right, (a, b) => a - b)];
        return new Estimate(differences.Sum(), ErrorOfSum(differences));
    }

    /// <summary>Sum of the losses over the sum of the gaps. The error is that of the sum of loss - share * gap, over the gap's sum: what moves
    /// both in a window does not count.</summary>
    /// <param name="losses">Loss of a rule in each window.</param>
    /// <param name="gaps">Gap in each window.</param>
    public static Estimate Ratio(IReadOnlyList<double> losses, IReadOnlyList<double> gaps)
    {
        double gap = gaps.Sum(), share = losses.Sum() / gap;
        return new Estimate(share, ErrorOfSum([.. losses.Zip(gaps, (loss, whole) => loss - (share * whole))]) / Math.Abs(gap));
    }

    private static double ErrorOfSum(double[] values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1) * values.Length);
    }
}

/// <summary>A value with its standard error.</summary>
/// <param name="Value">Value.</param>
/// <param name="Error">Standard error.</param>
internal readonly record struct Estimate(double Value, double Error)
{
    /// <summary>Upper end of the two-sided 95 % interval.</summary>
    public double Upper => Value + (PairedStatistics.Normal95 * Error);
}
