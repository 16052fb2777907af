namespace DynamicMoE;

/// <summary>How many routes an expert may keep; the rule of the native core (<c>rule_capacity</c>).</summary>
internal static class ExpertCapacity
{
    // Half a unit in the last place of a float, relative.
    private const double FactorRounding = 1.0 / (1 << 24);

    /// <summary>ceil(factor * routes / experts), where a product within the factor's own rounding of an integer is that integer.</summary>
    /// <param name="factor">Capacity factor, finite and above 0. As a float, 1.2 is 1.20000005: of 100 routes to 10 experts each keeps 12, not 13.</param>
    /// <param name="routes">Routes of the batch.</param>
    /// <param name="experts">Experts, at least 1.</param>
    public static long Of(float factor, long routes, int experts)
    {
        double share = (double)factor * routes / experts;
        double nearest = Math.Round(share);
        return (long)(Math.Abs(share - nearest) <= share * FactorRounding ? nearest : Math.Ceiling(share));
    }
}
