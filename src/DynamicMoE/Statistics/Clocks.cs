namespace DynamicMoE;

/// <summary>Times finer than a TimeSpan has them.</summary>
internal static class Clocks
{
    /// <summary>Seconds between two timestamps.</summary>
    internal static double Seconds(this TimeProvider clock, long begin, long end) => (double)(end - begin) / clock.TimestampFrequency;
}
