using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Wrappers.Caching;

public sealed class CacheConcurrencyTests : IDisposable
{
    private const int Dim = 32;
    private const int Experts = 8;

    private readonly GateWeights _gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2 }, 5);
    private readonly DynamicRouter _router;

    public CacheConcurrencyTests() =>
        _router = new DynamicRouter(_gate, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterMargin });

    public void Dispose()
    {
        _router.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public async Task Route_WhenManyCallsAskForTheSameRows_ComputesEachOnce()
    {
        const int calls = 8, rows = 200;
        float[] hidden = new SeededRandom(2).Gaussian(rows * Dim);
        var expected = new RoutingBuffers(rows, 2, Experts, true);
        _router.Route(hidden, rows, expected);
        CachedRouter cached = _router.WithCache();
        using var start = new Barrier(calls);

        await Task.WhenAll(Enumerable.Range(0, calls).Select(call => Task.Factory.StartNew(
            () =>
            {
                // Each in an order of its own, so that every call has rows that it computes and rows that it waits for.
                int[] order = [.. Enumerable.Range(0, rows).Select(i => (i + (call * 25)) % rows)];
                float[] mine = [.. order.SelectMany(row => hidden.AsSpan(row * Dim, Dim).ToArray())];
                var buffers = new RoutingBuffers(rows, 2, Experts, true);
                start.SignalAndWait();
                cached.Route(mine, rows, buffers);
                for (int i = 0; i < rows; i++)
                {
                    RoutingOracle.AssertSameRow(expected, order[i], buffers, i);
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

        CacheStats stats = cached.GetCacheStats();
        Assert.Equal((rows, (long)rows, (long)(calls - 1) * rows), (stats.Size, stats.MissCount, stats.HitCount));
    }

    [Fact]
    public async Task Route_WhenRowsComeAndGo_GivesEveryCallItsOwnResult()
    {
        const int rows = 60;
        float[] hidden = new SeededRandom(3).Gaussian(rows * Dim);
        var expected = new RoutingBuffers(rows, 2, Experts, true);
        _router.Route(hidden, rows, expected);
        var clock = new ManualClock();
        CachedRouter cached = _router.WithCache(new CacheOptions { Size = 32, MinSize = 3, TimeToLive = TimeSpan.FromSeconds(1), TimeProvider = clock });

        await Task.WhenAll(Enumerable.Range(0, 6).Select(thread => Task.Run(() =>
        {
            var random = new SeededRandom((ulong)thread);
            var buffers = new RoutingBuffers(16, 2, Experts, true);
            for (int call = 0; call < 400; call++)
            {
                int[] order = [.. Enumerable.Range(0, random.NextInt(1, 17)).Select(_ => random.NextInt(0, rows))];
                float[] mine = [.. order.SelectMany(row => hidden.AsSpan(row * Dim, Dim).ToArray())];
                cached.Route(mine, order.Length, buffers);
                for (int i = 0; i < order.Length; i++)
                {
                    RoutingOracle.AssertSameRow(expected, order[i], buffers, i);
                }

                if (thread == 0 && call % 40 == 0)
                {
                    cached.ClearCache();
                    clock.Advance(TimeSpan.FromSeconds(0.4));
                }
            }
        })));

        CacheStats stats = cached.GetCacheStats();
        Assert.InRange(stats.Size, 0, 32);
        Assert.InRange(stats.MaxSize, 3, 32);
        Assert.True(stats.HitCount > 0);
    }

    [Fact]
    public void Complete_WhenTheCallThatComputesARowGivesUp_ComputesItItself()
    {
        float[] hidden = new SeededRandom(4).Gaussian(3 * Dim);
        var source = new RowSource(_router);
        var cache = new RowCache(serves: true, 10, 10, long.MaxValue, 0);
        CachedBatch first = new(), second = new();
        first.Look(cache, source, hidden, 3, 0);
        second.Look(cache, source, hidden, 3, 0);
        Assert.Equal((3, 0), (first.Misses, first.Hits));
        Assert.Equal((0, 3), (second.Misses, second.Hits));

        first.Abandon(cache);
        second.Complete(source, hidden);

        var expected = new float[3 * Experts];
        _gate.Logits(hidden, 3, expected);
        Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(second.Known.Logits));
        Assert.Equal((3, 0, 0), (second.Misses, second.Hits, second.Shared));
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void Look_WhenAnotherRowHasTheKey_ComputesTheRow()
    {
        float[] hidden = new SeededRandom(5).Gaussian(Dim);
        var source = new RowSource(_router);
        var cache = new RowCache(serves: true, 10, 10, long.MaxValue, 0);
        var other = new CachedRow(RowKey.Of(hidden, source.Seed), new float[Dim], Experts, 0);
        cache.Claim(other);
        other.Publish(new float[Experts], 0);
        var batch = new CachedBatch();

        batch.Look(cache, source, hidden, 1, 0);
        batch.Complete(source, hidden);

        var expected = new float[Experts];
        _gate.Logits(hidden, 1, expected);
        Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(batch.Known.Logits));
        Assert.Equal((1, 0), (batch.Misses, batch.Hits));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Wait_WhenTheRowIsFinished_Ends(bool published)
    {
        for (int round = 0; round < 50; round++)
        {
            var row = new CachedRow(default, new float[Dim], Experts, 0);
            using var ready = new Barrier(3);
            Task<bool>[] waiting = [.. Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    ready.SignalAndWait();
                    return row.Wait();
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
            ready.SignalAndWait();
            if (published)
            {
                row.Publish(new float[Experts], 1);
            }
            else
            {
                row.Fail();
            }

            bool[] ended = await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(20));

            Assert.All(ended, one => Assert.Equal(published, one));
        }
    }
}
