using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace DynamicMoE.Cli.Charts;

/// <summary>Ticks that fit what an axis shows.</summary>
internal static class ChartTicks
{
    // So many values are named one by one; 1, 2 and 5 are named over so many powers of ten.
    private const int FewValues = 12;
    private const double FewDecades = 3;

    /// <summary>Ticks of an axis.</summary>
    /// <param name="values">What is shown, at least one value.</param>
    /// <param name="logarithmic">Whether the axis shows powers of ten.</param>
    public static ITickGenerator Of(double[] values, bool logarithmic)
    {
        if (!logarithmic)
        {
            return new NumericAutomatic { IntegerTicksOnly = AreWhole(values) && values.Distinct().Skip(1).Any() };
        }

        double[] named = Logarithmic(values);
        return new NumericManual([.. named.Select(Math.Log10)], [.. named.Select(value => value.ToString("0.######", CultureInfo.InvariantCulture))]);
    }

    /// <summary>Values that a logarithmic axis names.</summary>
    internal static double[] Logarithmic(double[] values)
    {
        double[] distinct = [.. values.Distinct().Order()];
        return AreWhole(distinct) && distinct.Length <= FewValues ? distinct : Steps(distinct[0], distinct[^1]);
    }

    // 1, 2, 5 of each power of ten around the values, or 1 alone where there are many.
    private static double[] Steps(double lowest, double highest)
    {
        int first = (int)Math.Floor(Math.Log10(lowest)), last = (int)Math.Ceiling(Math.Log10(highest));
        double[] digits = last - first <= FewDecades ? [1, 2, 5] : [1];
        return [.. from power in Enumerable.Range(first, last - first + 1) from digit in digits select digit * Math.Pow(10, power)];
    }

    private static bool AreWhole(double[] values) => Array.TrueForAll(values, value => value == Math.Floor(value));
}
