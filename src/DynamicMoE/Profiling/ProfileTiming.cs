namespace DynamicMoE;

/// <summary>Time of a call, over repetitions.</summary>
/// <param name="Repetitions">Timed calls.</param>
/// <param name="MedianSeconds">Median.</param>
/// <param name="LowSeconds">Lower end of its 95 % confidence interval (order statistics, by the binomial distribution); null below 6 repetitions.</param>
/// <param name="HighSeconds">Upper end of that interval; null below 6 repetitions.</param>
public sealed record ProfileTiming(int Repetitions, double MedianSeconds, double? LowSeconds, double? HighSeconds)
{
    internal static ProfileTiming Of(ReadOnlySpan<double> seconds)
    {
        var sample = new Sample(seconds);
        Interval? interval = sample.IntervalOf(0.5);
        return new ProfileTiming(sample.Count, sample.Median, interval?.Low, interval?.High);
    }
}
