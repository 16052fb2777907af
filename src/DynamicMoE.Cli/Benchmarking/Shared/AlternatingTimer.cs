namespace DynamicMoE.Cli.Benchmarking;

/// <summary>
/// Times layers in turn: a repetition is some calls of each, and every other repetition goes through the layers backwards. What the machine does
/// beside it then hits all of them alike.
/// </summary>
/// <param name="layers">Layers, ready.</param>
/// <param name="batches">Batches to rotate over.</param>
/// <param name="repetitions">Repetitions, at most; fewer, down to <see cref="FewestRepetitions"/>, when they would take longer than the budget.</param>
/// <param name="budget">Time for all repetitions.</param>
internal sealed class AlternatingTimer(IReadOnlyList<IPreparedLayer> layers, int batches, int repetitions, TimeSpan budget)
{
    /// <summary>Repetitions that a median needs at least.</summary>
    public const int FewestRepetitions = 5;

    // Long enough for the clock and for caches to settle, short enough to alternate often.
    private static readonly TimeSpan RepetitionTime = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan WarmUpTime = TimeSpan.FromMilliseconds(200);

    // Worker threads of the layer before spin for some milliseconds in wait of more work; they would take a core from the next one.
    private static readonly TimeSpan SpinTime = TimeSpan.FromMilliseconds(10);

    /// <summary>Seconds per call, <c>[layer][repetition]</c>.</summary>
    public double[][] Run()
    {
        double[] fastest = [.. layers.Select(WarmUp)];
        int[] calls = [.. fastest.Select(seconds => Math.Max(1, (int)Math.Ceiling(RepetitionTime.TotalSeconds / seconds)))];
        int count = Repetitions(fastest.Zip(calls, (seconds, n) => (seconds * (n == 1 ? 1 : n + 1)) + SpinTime.TotalSeconds).Sum());
        double[][] times = [.. layers.Select(_ => new double[count])];
        for (int repetition = 0; repetition < count; repetition++)
        {
            for (int i = 0; i < layers.Count; i++)
            {
                int layer = repetition % 2 == 0 ? i : layers.Count - 1 - i;
                Pause();
                times[layer][repetition] = Time(layers[layer], calls[layer], first: repetition * calls[layer]);
            }
        }

        return times;
    }

    /// <summary>Repetitions that fit into the budget.</summary>
    private int Repetitions(double secondsPerRepetition) =>
        Math.Clamp((int)(budget.TotalSeconds / secondsPerRepetition), Math.Min(FewestRepetitions, repetitions), repetitions);

    private static void Pause()
    {
        using var never = new ManualResetEvent(false);
        never.WaitOne(SpinTime);
    }

    // The fastest call: one that was interrupted would make repetitions too short.
    private double WarmUp(IPreparedLayer layer)
    {
        long start = TimeProvider.System.GetTimestamp();
        double fastest = double.PositiveInfinity;
        int done = 0;
        do
        {
            fastest = Math.Min(fastest, Time(layer, 1, done++));
        }
        while (TimeProvider.System.GetElapsedTime(start) < WarmUpTime);
        return fastest;
    }

    private double Time(IPreparedLayer layer, int calls, int first)
    {
        // Not timed: wakes threads up. To a call of a whole repetition's time that makes no difference.
        if (calls > 1)
        {
            layer.Run((first + batches - 1) % batches);
        }

        long start = TimeProvider.System.GetTimestamp();
        for (int call = 0; call < calls; call++)
        {
            layer.Run((first + call) % batches);
        }

        return TimeProvider.System.GetElapsedTime(start).TotalSeconds / calls;
    }
}
