using System.Diagnostics;

namespace DynamicMoE.Benchmarks.Concurrency;

/// <summary>One run of one schedule.</summary>
/// <param name="CallsPerSecond">Calls that ended within the time, of all threads together.</param>
/// <param name="CallMicroseconds">Time of each call, as its thread sees it.</param>
/// <param name="CoresUsed">Processor time per time.</param>
internal sealed record CrowdRun(double CallsPerSecond, double[] CallMicroseconds, double CoresUsed);

/// <summary>Threads that call one layer as fast as they can. Each walks over tokens of its own, so that the experts touched change from call to call.</summary>
internal static class Crowd
{
    private const int Batches = 64;
    private const double WarmShare = 0.25;

    public static CrowdRun Run(SharedLayer layer, int callers, int threads, TimeSpan time)
    {
        var calls = new Caller[callers];
        using var start = new Barrier(callers + 1);
        for (int i = 0; i < callers; i++)
        {
            calls[i] = new Caller(layer, threads, i, start, (int)(time.TotalMicroseconds * (1 + WarmShare) * 2));
        }

        start.SignalAndWait();
        Thread.Sleep(time * WarmShare);
        long begin = Stopwatch.GetTimestamp();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        Thread.Sleep(time);
        TimeSpan used = Environment.CpuUsage.TotalTime - cpu;
        long end = Stopwatch.GetTimestamp();
        foreach (Caller caller in calls)
        {
            caller.Stop();
        }

        double[] ended = [.. calls.SelectMany(caller => caller.Between(begin, end))];
        double seconds = Stopwatch.GetElapsedTime(begin, end).TotalSeconds;
        return new CrowdRun(ended.Length / seconds, ended, used.TotalSeconds / seconds);
    }

    private sealed class Caller
    {
        private readonly Thread _thread;
        private readonly long[] _ends;
        private readonly int[] _ticks;
        private int _count;
        private volatile bool _stop;

        // Room for calls of 0.5 us. Pages that are not written take no memory.
        public Caller(SharedLayer shared, int threads, int seed, Barrier start, int mostCalls)
        {
            _ends = new long[mostCalls];
            _ticks = new int[mostCalls];
            MoELayer layer = shared.With(threads);
            int size = shared.Tokens * shared.Shape.Hidden;
            float[] inputs = Numbers(size * Batches, seed);
            var output = new float[size];
            _thread = new Thread(() =>
            {
                start.SignalAndWait();
                for (int batch = 0; !_stop; batch = (batch + 1) % Batches)
                {
                    long begin = Stopwatch.GetTimestamp();
                    layer.Forward(inputs.AsSpan(batch * size, size), shared.Tokens, output);
                    long end = Stopwatch.GetTimestamp();
                    _ends[_count] = end;
                    _ticks[_count++] = (int)(end - begin);
                }
            });
            _thread.Start();
        }

        public void Stop()
        {
            _stop = true;
            _thread.Join();
        }

        public IEnumerable<double> Between(long begin, long end)
        {
            for (int i = 0; i < _count; i++)
            {
                if (_ends[i] > begin && _ends[i] <= end)
                {
                    yield return _ticks[i] * 1e6 / Stopwatch.Frequency;
                }
            }
        }

        // The sum of a few uniform numbers is near enough to a normal one.
        private static float[] Numbers(int count, int seed)
        {
            var random = new Random(seed);
            var values = new float[count];
            for (int i = 0; i < count; i++)
            {
                values[i] = (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 4;
            }

            return values;
        }
    }
}
