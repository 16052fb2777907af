namespace DynamicMoE;

/// <summary>Distribution-free confidence intervals of a quantile: two order statistics, by the binomial distribution of the number of values below it.</summary>
internal static class OrderRanks
{
    /// <summary>Coverage of every interval that the library reports.</summary>
    internal const double Confidence = 0.95;

    /// <summary>Ranks of the interval's ends, counted from 1: with B ~ Bin(count, quantile) the largest low with P(B &lt; low) and the smallest high with
    /// P(B >= high) at most half of what is left to 1, so that the interval covers at least <see cref="Confidence"/>. It supposes values that are
    /// independent of each other and of one distribution.</summary>
    /// <param name="count">Values, at least 1.</param>
    /// <param name="quantile">Above 0, below 1.</param>
    /// <returns>Null when the sample is too small: no value of it bounds the quantile on one of the sides.</returns>
    internal static (int Low, int High)? Of(int count, double quantile)
    {
        const double tail = (1 - Confidence) / 2;
        int low = 0;
        double logMass = count * Math.Log(1 - quantile), logOdds = Math.Log(quantile / (1 - quantile)), below = 0;
        for (int k = 0; k < count; k++)
        {
            // P(B <= k).
            below += Math.Exp(logMass);
            if (below <= tail)
            {
                low = k + 1;
            }
            else if (below >= 1 - tail)
            {
                return low == 0 ? null : (low, k + 1);
            }

            logMass += logOdds + Math.Log((double)(count - k) / (k + 1));
        }

        return null;
    }
}
