namespace DynamicMoE;

/// <summary>When requests arrive, in ticks of a clock after the start.</summary>
internal static class ArrivalSchedule
{
    /// <summary>All at the start: callers that are never without work.</summary>
    internal static long[] AtOnce(int count) => new long[count];

    /// <summary>A Poisson process: independent gaps of exponential distribution, whatever the system does meanwhile.</summary>
    /// <param name="count">Requests.</param>
    /// <param name="perSecond">Mean rate, above 0.</param>
    /// <param name="frequency">Ticks per second.</param>
    /// <param name="seed">The same seed gives the same arrivals.</param>
    internal static long[] Poisson(int count, double perSecond, long frequency, ulong seed)
    {
        var random = new RandomSource(seed);
        var arrivals = new long[count];
        double time = 0;
        for (int request = 0; request < count; request++)
        {
            time += -Math.Log(1 - random.NextUnit()) / perSecond;
            arrivals[request] = (long)(time * frequency);
        }

        return arrivals;
    }
}
