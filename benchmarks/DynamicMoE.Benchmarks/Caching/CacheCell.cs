using System.Diagnostics;

namespace DynamicMoE.Benchmarks.Caching;

/// <summary>What one cell found. Times are per row: the median over the calls of each batch, and the mean of that over the batches, which differ in hits.</summary>
/// <param name="Shape">Name of the layer's size.</param>
/// <param name="Tokens">Rows of a call.</param>
/// <param name="HitRate">Share of rows that the cache had, as it counted them.</param>
/// <param name="PlainNs">Routing without the cache.</param>
/// <param name="CachedNs">Routing with it.</param>
/// <param name="Stats">What the router itself says afterwards.</param>
internal sealed record CacheResult(string Shape, int Tokens, double HitRate, double PlainNs, double CachedNs, CacheStats Stats);

/// <summary>One size of layer and batch at one hit rate: the same batches through two equal routers, one of them with a cache, in turn.</summary>
internal sealed class CacheCell : IDisposable
{
    private const int Batches = 32;
    private const int KnownRows = 256;
    private const int CacheSize = 1000;
    private const int WarmCalls = 300;

    private readonly LayerShape _shape;
    private readonly int _tokens;
    private readonly GateWeights _gate;
    private readonly DynamicRouter _plain;
    private readonly DynamicRouter _inner;
    private readonly CachedRouter _cached;
    private readonly RoutingBuffers _buffers;
    private readonly float[][] _batches = new float[Batches][];
    private readonly List<int>[] _newRows = new List<int>[Batches];
    private int _stamp = BitConverter.SingleToInt32Bits(1f);

    public CacheCell(LayerShape shape, int tokens, double hitRate)
    {
        _shape = shape;
        _tokens = tokens;
        _gate = GateWeights.CreateRandom(
            new GateOptions { InputDim = shape.Hidden, NumExperts = shape.Experts, TrainedExperts = shape.ExpertsPerToken }, seed: 1);
        var options = new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold };
        _plain = new DynamicRouter(_gate, options);
        _inner = new DynamicRouter(_gate, options);
        _cached = _inner.WithCache(cacheSize: CacheSize, adaptive: false);
        _buffers = new RoutingBuffers(tokens, _plain.MaxExperts, shape.Experts, withLogits: false);
        Fill(hitRate);
    }

    /// <summary>Runs both ways in turn.</summary>
    public CacheResult Run(TimeSpan time)
    {
        // The known rows go in first, and the rest of the cache is full of rows that do not come again.
        for (int call = 0; call < Math.Max(WarmCalls, 4 * CacheSize / _tokens); call++)
        {
            Time(_plain, call);
            Time(_cached, call);
        }

        CacheStats before = _cached.GetCacheStats();
        List<double>[] plain = [.. Enumerable.Range(0, Batches).Select(_ => new List<double>())];
        List<double>[] cached = [.. Enumerable.Range(0, Batches).Select(_ => new List<double>())];
        long start = Stopwatch.GetTimestamp();
        for (int call = 0; Stopwatch.GetElapsedTime(start) < time || call < 2 * Batches; call++)
        {
            int batch = call % Batches;
            Stamp(batch);

            // Whoever goes second finds the batch in the processor's cache: each batch is routed in either order.
            bool plainFirst = (call / Batches) % 2 == 0;
            double first = Time(plainFirst ? _plain : _cached, call), second = Time(plainFirst ? _cached : _plain, call);
            plain[batch].Add(plainFirst ? first : second);
            cached[batch].Add(plainFirst ? second : first);
        }

        CacheStats after = _cached.GetCacheStats();
        long hits = after.HitCount - before.HitCount, misses = after.MissCount - before.MissCount;
        return new CacheResult(_shape.Name, _tokens, (double)hits / (hits + misses), plain.Average(Median), cached.Average(Median), after);
    }

    public void Dispose()
    {
        _plain.Dispose();
        _inner.Dispose();
        _gate.Dispose();
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    private void Fill(double hitRate)
    {
        var random = new Random(3);
        float[][] known = [.. Enumerable.Range(0, KnownRows).Select(_ => Row(random))];
        long row = 0;
        for (int batch = 0; batch < Batches; batch++)
        {
            _batches[batch] = new float[_tokens * _shape.Hidden];
            _newRows[batch] = [];
            for (int token = 0; token < _tokens; token++, row++)
            {
                bool hit = Math.Floor((row + 1) * hitRate) > Math.Floor(row * hitRate);
                float[] values = hit ? known[random.Next(KnownRows)] : Row(random);
                values.CopyTo(_batches[batch], token * _shape.Hidden);
                if (!hit)
                {
                    _newRows[batch].Add(token);
                }
            }
        }
    }

    private float[] Row(Random random)
    {
        var row = new float[_shape.Hidden];
        for (int i = 0; i < row.Length; i++)
        {
            row[i] = (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 4;
        }

        return row;
    }

    // One number makes a row a new one.
    private void Stamp(int batch)
    {
        foreach (int token in _newRows[batch])
        {
            _batches[batch][token * _shape.Hidden] = BitConverter.Int32BitsToSingle(_stamp++);
        }
    }

    private double Time(IRouter router, int call)
    {
        float[] batch = _batches[call % Batches];
        long start = Stopwatch.GetTimestamp();
        router.Route(batch, _tokens, _buffers);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / _tokens;
    }
}
