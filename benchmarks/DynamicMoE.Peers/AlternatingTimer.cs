using System.Diagnostics;

namespace DynamicMoE.Peers;

/// <summary>
/// Times layers in turn: a repetition is a number of calls of each, and every other repetition goes through the layers backwards. What the
/// machine does beside it then hits all of them alike.
/// </summary>
internal sealed class AlternatingTimer(IReadOnlyList<IPreparedLayer> layers, int batches, int repetitions)
{
    // Long enough for the clock and for caches to settle, short enough to alternate often.
    private static readonly TimeSpan RepetitionTime = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan WarmUpTime = TimeSpan.FromMilliseconds(200);

    // Worker threads of the layer before spin for some milliseconds in wait of more work; they would take a core from the next one.
    private static readonly TimeSpan SpinTime = TimeSpan.FromMilliseconds(10);

    /// <summary>Seconds per call, <c>[layer][repetition]</c>.</summary>
    public double[][] Run()
    {
        int calls = (int)Math.Ceiling(RepetitionTime.TotalSeconds / layers.Min(WarmUp));
        double[][] seconds = [.. layers.Select(_ => new double[repetitions])];
        for (int repetition = 0; repetition < repetitions; repetition++)
        {
            for (int i = 0; i < layers.Count; i++)
            {
                int layer = repetition % 2 == 0 ? i : layers.Count - 1 - i;
                Thread.Sleep(SpinTime);
                seconds[layer][repetition] = Time(layers[layer], calls, first: repetition * calls);
            }
        }

        return seconds;
    }

    // The fastest call: one that was interrupted would make repetitions too short.
    private double WarmUp(IPreparedLayer layer)
    {
        long start = Stopwatch.GetTimestamp();
        double fastest = double.PositiveInfinity;
        int done = 0;
        do
        {
            fastest = Math.Min(fastest, Time(layer, 1, done++));
        }
        while (Stopwatch.GetElapsedTime(start) < WarmUpTime);
        return fastest;
    }

    private double Time(IPreparedLayer layer, int calls, int first)
    {
        // Not timed: wakes threads up.
        layer.Run((first + batches - 1) % batches);
        long start = Stopwatch.GetTimestamp();
        for (int call = 0; call < calls; call++)
        {
            layer.Run((first + call) % batches);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
    }
}
