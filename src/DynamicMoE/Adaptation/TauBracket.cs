namespace DynamicMoE;

/// <summary>The two thresholds nearest to a wished number of kept gaps: what they keep is at most and at least that. Where a threshold keeps
/// just as many, both are it.</summary>
internal readonly record struct TauBracket(float LowTau, double LowCount, float HighTau, double HighCount)
{
    internal static TauBracket Exactly(float tau, double count) => new(tau, count, tau, count);

    /// <summary>The nearer of the two. One that was taken before is kept unless the other is clearly nearer, so that noise does not move it.</summary>
    internal (float Tau, double Count, bool High) Nearest(double count, bool wasHigh)
    {
        const double Slack = 0.05;
        double middle = LowCount + (HighCount - LowCount) * (wasHigh ? 0.5 - Slack : 0.5 + Slack);
        return HighCount > LowCount && count > middle ? (HighTau, HighCount, true) : (LowTau, LowCount, false);
    }
}
