namespace DynamicMoE;

/// <summary>How evenly experts were used.</summary>
/// <param name="TotalBatches">Routed batches.</param>
/// <param name="TotalRoutes">Sum of experts over all tokens.</param>
/// <param name="AvgUsagePerExpert">Share of all routes that each expert received; sums to 1, or all 0 before the first batch.</param>
/// <param name="UsageVariance">Population variance of the shares.</param>
/// <param name="MostUsedExpert">Expert with most routes; the lowest of several.</param>
/// <param name="LeastUsedExpert">Expert with fewest routes; the lowest of several.</param>
/// <param name="LoadBalanceScore">1 / (experts * sum of squared shares): 1 = even, 1/experts = one expert does it all. 1 before the first batch.</param>
public sealed record ExpertUsageStats(
    long TotalBatches,
    long TotalRoutes,
    IReadOnlyList<double> AvgUsagePerExpert,
    double UsageVariance,
    int MostUsedExpert,
    int LeastUsedExpert,
    double LoadBalanceScore)
{
    internal static ExpertUsageStats From(long batches, ReadOnlySpan<long> routes)
    {
        long total = 0;
        foreach (long count in routes)
        {
            total += count;
        }

        var shares = new double[routes.Length];
        double squares = 0;
        int most = 0;
        int least = 0;
        for (int expert = 0; expert < routes.Length; expert++)
        {
            shares[expert] = total == 0 ? 0 : (double)routes[expert] / total;
            squares += shares[expert] * shares[expert];
            most = routes[expert] > routes[most] ? expert : most;
            least = routes[expert] < routes[least] ? expert : least;
        }

        double mean = total == 0 ? 0 : 1.0 / routes.Length;
        double variance = Math.Max(0, squares / routes.Length - mean * mean);
        return new ExpertUsageStats(batches, total, shares, variance, most, least, total == 0 ? 1 : 1 / (routes.Length * squares));
    }
}
