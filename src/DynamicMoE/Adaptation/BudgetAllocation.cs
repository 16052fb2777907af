namespace DynamicMoE;

/// <summary>Divides a mean budget among layers, by their sensitivity or by given budgets.</summary>
/// <remarks>
/// A layer that gives up the share u of its experts above the minimum, those of the tokens that need them least first, loses about sensitivity * u^6: at
/// shares of 0.9, 0.75 and 0.5 the last three layers of TinyMoE lost 0.48..0.54, 0.17..0.47 and up to 0.08 of what they lose at 1. The budgets are those
/// for which the sum of these losses is least: u in proportion to sensitivity^(-1/5), at most 1.
/// </remarks>
internal static class BudgetAllocation
{
    private const double Exponent = 6;

    /// <summary>Fills in budgets with the given mean.</summary>
    /// <param name="sensitivity">What each layer loses at the least budget, at least 0 each, in any unit; empty = all alike. Layers of 0 give up
    /// everything before the others give up anything.</param>
    /// <param name="mean">Mean of the budgets, within the range.</param>
    /// <param name="minimum">Least budget of a layer.</param>
    /// <param name="maximum">Largest budget of a layer.</param>
    /// <param name="budgets">[out] One per layer.</param>
    internal static void Divide(ReadOnlySpan<double> sensitivity, double mean, double minimum, double maximum, Span<double> budgets)
    {
        budgets.Fill(mean);
        double room = maximum - minimum;
        if (sensitivity.IsEmpty || mean <= minimum || mean >= maximum)
        {
            return;
        }

        // In units of the room. Where nothing else is left to give up, only layers of 0 do, alike.
        double given = budgets.Length * (maximum - mean) / room;
        int indifferent = sensitivity.Count(0.0);
        Span<double> up = budgets;
        for (int layer = 0; layer < up.Length; layer++)
        {
            up[layer] = sensitivity[layer] > 0 ? double.NaN : Math.Min(1, given / indifferent);
        }

        Share(sensitivity, Math.Max(0, given - indifferent), up);
        for (int layer = 0; layer < budgets.Length; layer++)
        {
            budgets[layer] = Math.Clamp(maximum - (up[layer] * room), minimum, maximum);
        }
    }

    /// <summary>Fills in given budgets, scaled by one factor so that they have the given mean, each cut to the range.</summary>
    /// <param name="given">One per layer, within the range, at least 1.</param>
    /// <param name="mean">Mean of the budgets, within the range.</param>
    /// <param name="minimum">Least budget of a layer.</param>
    /// <param name="maximum">Largest budget of a layer.</param>
    /// <param name="budgets">[out] One per layer.</param>
    internal static void Scale(ReadOnlySpan<double> given, double mean, double minimum, double maximum, Span<double> budgets)
    {
        // The mean does not fall with the factor; at both ends every layer is cut to the same bound.
        double low = minimum / maximum;
        double high = maximum / minimum;
        double factor = 1;
        for (int step = 0; step < 64 && MeanOf(given, factor, minimum, maximum, budgets) is double found && Math.Abs(found - mean) > 1e-15 * mean; step++)
        {
            (low, high) = found < mean ? (factor, high) : (low, factor);
            factor = 0.5 * (low + high);
        }
    }

    private static double MeanOf(ReadOnlySpan<double> given, double factor, double minimum, double maximum, Span<double> budgets)
    {
        double sum = 0;
        for (int layer = 0; layer < budgets.Length; layer++)
        {
            budgets[layer] = Math.Clamp(given[layer] * factor, minimum, maximum);
            sum += budgets[layer];
        }

        return sum / budgets.Length;
    }

    // Every pass settles at least one more layer at 1, or ends.
    private static void Share(ReadOnlySpan<double> sensitivity, double given, Span<double> up)
    {
        double least = double.PositiveInfinity;
        foreach (double value in sensitivity)
        {
            least = value > 0 ? Math.Min(least, value) : least;
        }

        bool settled = true;
        while (settled)
        {
            settled = false;
            double weights = 0;
            for (int layer = 0; layer < up.Length; layer++)
            {
                weights += double.IsNaN(up[layer]) ? Weight(sensitivity[layer], least) : 0;
            }

            double perWeight = given / weights;
            for (int layer = 0; layer < up.Length; layer++)
            {
                if (double.IsNaN(up[layer]) && perWeight * Weight(sensitivity[layer], least) >= 1)
                {
                    up[layer] = 1;
                    given--;
                    settled = true;
                }
            }

            for (int layer = 0; layer < up.Length && !settled; layer++)
            {
                up[layer] = double.IsNaN(up[layer]) ? perWeight * Weight(sensitivity[layer], least) : up[layer];
            }
        }
    }

    // Between 0 and 1 whatever the unit.
    private static double Weight(double sensitivity, double least) => Math.Pow(least / sensitivity, 1 / (Exponent - 1));
}
