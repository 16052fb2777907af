namespace DynamicMoE;

/// <summary>Divides a mean budget among layers by their sensitivity.</summary>
internal static class BudgetAllocation
{
    /// <summary>
    /// Fills in budgets of MinExperts + c * sensitivity, at most MaxExperts, with c such that their mean is <paramref name="mean"/>. Where all
    /// sensitive layers are full, the others share what is left.
    /// </summary>
    /// <param name="sensitivity">At least 0 each; empty = all alike.</param>
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

        // Every pass fills at least one more layer, or ends.
        double left = (mean - minimum) * budgets.Length;
        budgets.Fill(double.NaN);
        while (true)
        {
            Weigh(sensitivity, budgets, out double weight, out int open);
            bool even = weight <= 0;
            bool filled = false;
            double given = left;
            for (int layer = 0; layer < budgets.Length; layer++)
            {
                if (double.IsNaN(budgets[layer]) && Share(layer, sensitivity) >= room)
                {
                    budgets[layer] = maximum;
                    left -= room;
                    filled = true;
                }
            }

            if (filled)
            {
                continue;
            }

            for (int layer = 0; layer < budgets.Length; layer++)
            {
                if (double.IsNaN(budgets[layer]))
                {
                    budgets[layer] = minimum + Share(layer, sensitivity);
                }
            }

            return;

            double Share(int layer, ReadOnlySpan<double> s) => even ? given / open : given * (s[layer] / weight);
        }
    }

    private static void Weigh(ReadOnlySpan<double> sensitivity, ReadOnlySpan<double> budgets, out double weight, out int open)
    {
        weight = 0;
        open = 0;
        for (int layer = 0; layer < budgets.Length; layer++)
        {
            if (double.IsNaN(budgets[layer]))
            {
                weight += sensitivity[layer];
                open++;
            }
        }
    }
}
