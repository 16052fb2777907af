using System.Numerics.Tensors;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Wrappers.Caching;

public sealed class CachedRouterTests : IDisposable
{
    private const int Dim = 16;
    private const int Experts = 6;

    private readonly ManualClock _clock = new();
    private readonly GateWeights _gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts }, 1);
    private readonly DynamicRouter _router;
    private readonly RoutingBuffers _buffers = new(64, Experts, Experts, true);
    private readonly SeededRandom _random = new(1);

    public CachedRouterTests() => _router = new DynamicRouter(_gate, new DynamicRouterOptions { MaxExperts = 2 });

    public void Dispose()
    {
        _router.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public void Stats_WhenNothingWasRouted_AreTheDefaultsOfTheSpec()
    {
        CacheStats stats = _router.WithCache().GetCacheStats();

        Assert.Equal((0, 1000, 0L, 0L, 300.0), (stats.Size, stats.MaxSize, stats.HitCount, stats.MissCount, stats.TtlSeconds));
        Assert.Equal(0, stats.HitRate);
        Assert.Equal(CacheState.Serving, stats.State);
        Assert.Null(stats.Pays);
    }

    [Fact]
    public void Route_WhenSomeRowsAreKnown_RoutesTheOthersOnly()
    {
        CachedRouter cached = _router.WithCache();
        float[] first = _random.Gaussian(4 * Dim), second = [.. first.AsSpan(Dim, 2 * Dim), .. _random.Gaussian(3 * Dim)];

        cached.Route(first, 4, _buffers);
        cached.Route(second, 5, _buffers);

        CacheStats stats = cached.GetCacheStats();
        Assert.Equal((7, 7L, 2L, 0L), (stats.Size, stats.MissCount, stats.HitCount, stats.SharedCount));
        Assert.Equal(2.0 / 9, stats.HitRate);
        Assert.Equal(7 * (Dim + Experts) * sizeof(float), stats.Bytes);
    }

    [Fact]
    public void Route_WhenARowComesTwiceInABatch_ComputesItOnce()
    {
        CachedRouter cached = _router.WithCache();
        float[] row = _random.Gaussian(Dim);

        cached.Route([.. row, .. row, .. row], 3, _buffers);

        CacheStats stats = cached.GetCacheStats();
        Assert.Equal((1L, 2L), (stats.MissCount, stats.HitCount));
        RoutingOracle.AssertSameRow(_buffers, 0, _buffers, 2);
    }

    [Fact]
    public void Route_WhenOnlyTheSignOfAZeroDiffers_IsAnotherRow()
    {
        CachedRouter cached = _router.WithCache();
        float[] row = new float[Dim], other = new float[Dim];
        other[3] = -0f;

        cached.Route(row, 1, _buffers);
        cached.Route(other, 1, _buffers);

        Assert.Equal(2, cached.GetCacheStats().MissCount);
    }

    [Fact]
    public void Route_WhenARowIsPastItsTime_ComputesItAnew()
    {
        CachedRouter cached = _router.WithCache(new CacheOptions { TimeToLive = TimeSpan.FromSeconds(10), TimeProvider = _clock });
        float[] row = _random.Gaussian(Dim);
        cached.Route(row, 1, _buffers);
        _clock.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        cached.Route(row, 1, _buffers);
        Assert.Equal((1L, 1L), (cached.GetCacheStats().MissCount, cached.GetCacheStats().HitCount));

        // Being found does not lengthen its time.
        _clock.Advance(TimeSpan.FromTicks(1));
        cached.Route(row, 1, _buffers);

        Assert.Equal((2L, 1L), (cached.GetCacheStats().MissCount, cached.GetCacheStats().HitCount));
        Assert.Equal(1, cached.GetCacheStats().Size);
        Assert.Equal(10, cached.GetCacheStats().TtlSeconds);
    }

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(-1_000_000)]
    public void Route_WhenTheClockJumps_GivesTheSameResult(double seconds)
    {
        CachedRouter cached = _router.WithCache(new CacheOptions { TimeProvider = _clock });
        float[] hidden = _random.Gaussian(8 * Dim);
        var expected = new RoutingBuffers(8, Experts, Experts, true);
        _router.Route(hidden, 8, expected, new RoutingContext { ComplexityScores = new float[8] });
        for (int call = 0; call < 100; call++)
        {
            _clock.Advance(TimeSpan.FromSeconds(call % 2 == 0 ? seconds : -seconds));
            cached.Route(hidden, 8, _buffers, new RoutingContext { ComplexityScores = new float[8] });

            RoutingOracle.AssertSameRow(expected, 7, _buffers, 7);
        }
    }

    [Fact]
    public void ClearCache_WhenRowsAreHeld_ForgetsThem()
    {
        CachedRouter cached = _router.WithCache();
        float[] hidden = _random.Gaussian(5 * Dim);
        cached.Route(hidden, 5, _buffers);

        cached.ClearCache();
        Assert.Equal(0, cached.GetCacheStats().Size);
        cached.Route(hidden, 5, _buffers);

        Assert.Equal((5, 10L, 0L), (cached.GetCacheStats().Size, cached.GetCacheStats().MissCount, cached.GetCacheStats().HitCount));
    }

    [Fact]
    public void Route_WhenTheCacheIsFull_TakesARowInAtTheSecondTime()
    {
        CachedRouter cached = _router.WithCache(new CacheOptions { Size = 8, Adaptive = false });
        for (int i = 0; i < 40; i++)
        {
            cached.Route(_random.Gaussian(Dim), 1, _buffers);
        }

        int size = cached.GetCacheStats().Size;
        float[] row = _random.Gaussian(Dim);
        cached.Route(row, 1, _buffers);
        cached.Route(row, 1, _buffers);
        Assert.Equal(0, cached.GetCacheStats().HitCount);
        cached.Route(row, 1, _buffers);

        Assert.Equal(1, cached.GetCacheStats().HitCount);
        Assert.InRange(size, 7, 8);
        Assert.InRange(cached.GetCacheStats().Size, 7, 8);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Route_WhenAHiddenStateIsNotFinite_FailsAsWithoutTheCache(float value)
    {
        CachedRouter cached = _router.WithCache();
        float[] good = _random.Gaussian(3 * Dim);
        cached.Route(good, 3, _buffers);
        float[] bad = [.. good, .. _random.Gaussian(2 * Dim)];
        bad[(3 * Dim) + 5] = value;

        string expected = Assert.Throws<RoutingValidationException>(() => _router.Route(bad, 5, _buffers)).Message;
        string actual = Assert.Throws<RoutingValidationException>(() => cached.Route(bad, 5, _buffers)).Message;

        Assert.Equal(expected, actual);
        Assert.Equal(3, cached.GetCacheStats().Size);
        bad[(3 * Dim) + 5] = 0;
        cached.Route(bad, 5, _buffers);
        Assert.Equal(5, cached.GetCacheStats().Size);
    }

    [Fact]
    public void Route_WhenTheShapeDoesNotFit_FailsAsWithoutTheCache()
    {
        CachedRouter cached = _router.WithCache();

        Assert.Throws<RoutingValidationException>(() => cached.Route(new float[Dim + 1], 1, _buffers));
        Assert.Throws<RoutingValidationException>(() => cached.Route([], 0, _buffers));
        Assert.Throws<ArgumentNullException>(() => cached.Route(new float[Dim], 1, null!));
        Assert.Throws<RouterConfigurationException>(() => cached.RouteWithin(new CapacityLimit(-1, OverflowPolicy.Drop), new float[Dim], 1, _buffers));
    }

    [Fact]
    public void Route_WhenTheRouterIsDisposed_SaysSo()
    {
        CachedRouter cached = _router.WithCache();
        float[] row = _random.Gaussian(Dim);
        cached.Route(row, 1, _buffers);

        _router.Dispose();

        Assert.Throws<ObjectDisposedException>(() => cached.Route(row, 1, _buffers));
        Assert.Throws<ObjectDisposedException>(() => cached.Route(_random.Gaussian(Dim), 1, _buffers));
    }

    [Fact]
    public void Route_WhenTheRouterInsideIsUnknown_HandsTheBatchOn()
    {
        CachedRouter cached = new WrappedRouter(_router).WithCache();
        float[] row = _random.Gaussian(Dim);

        cached.Route(row, 1, _buffers);
        cached.Route(row, 1, _buffers);
        cached.ClearCache();

        CacheStats stats = cached.GetCacheStats();
        Assert.Equal(CacheState.NotCacheable, stats.State);
        Assert.Equal((0, 0, 0L, 0L, null), (stats.Size, stats.MaxSize, stats.HitCount, stats.MissCount, stats.Pays));
        Assert.Equal(2, cached.GetExpertUsageStats().TotalBatches);
    }

    [Fact]
    public void Route_WhenAWrapperIsInBetween_ShowsItEveryCall()
    {
        var seen = new SeenCalls(_router);
        CachedRouter cached = new SeenCalls(seen).WithCache();
        float[] row = _random.Gaussian(Dim);
        var context = new RoutingContext { MaxDistinctExperts = 3, Positions = new long[1] };

        cached.Route(row, 1, _buffers, context);
        cached.Route(row, 1, _buffers, context);

        Assert.Equal(2, seen.Calls);
        Assert.Equal(1, cached.GetCacheStats().HitCount);
        Assert.Null(context.Known);
    }

    [Fact]
    public void Route_WhenACacheIsAroundACache_LooksIntoTheOuterOne()
    {
        CachedRouter inner = _router.WithCache(), outer = inner.WithCache();
        float[] row = _random.Gaussian(Dim);

        outer.Route(row, 1, _buffers);
        outer.Route(row, 1, _buffers);

        Assert.Equal((1L, 1L), (outer.GetCacheStats().HitCount, outer.GetCacheStats().MissCount));
        Assert.Equal((0L, 0L), (inner.GetCacheStats().HitCount, inner.GetCacheStats().MissCount));
    }

    [Fact]
    public void Route_WhenTensorsAreGiven_ReturnsWhatTheRouterReturns()
    {
        float[] hidden = _random.Gaussian(6 * Dim);
        var tensor = new ReadOnlyTensorSpan<float>(hidden, [2, 3, Dim]);
        using var other = new DynamicRouter(_gate, new DynamicRouterOptions { MaxExperts = 2 });
        RoutingResult expected = other.Route(tensor, returnRouterLogits: true);

        RoutingResult actual = _router.WithCache().Route(tensor, returnRouterLogits: true);

        Assert.Equal(expected.ExpertIndices.ToArray(), actual.ExpertIndices.ToArray());
        Assert.Equal(expected.RouterLogits!.ToArray(), actual.RouterLogits!.ToArray());
        Assert.Equal(expected.Info, actual.Info);
    }

    [Theory]
    [InlineData(CacheMode.Serve)]
    [InlineData(CacheMode.Measure)]
    public void Route_WhenRowsAreKnown_AllocatesNothing(CacheMode mode)
    {
        CachedRouter cached = _router.WithCache(new CacheOptions { Mode = mode });
        float[] hidden = _random.Gaussian(16 * Dim);
        var context = new RoutingContext { Positions = new long[16] };

        NoAllocation.Assert(() => cached.Route(hidden, 16, _buffers, context));
    }

    [Fact]
    public void Route_WhenRowsComeOnceToAFullCache_AllocatesNothing()
    {
        CachedRouter cached = _router.WithCache(new CacheOptions { Size = 8, Adaptive = false });
        var row = new float[Dim];
        int call = 0;

        NoAllocation.Assert(() =>
        {
            row[0] = call++;
            cached.Route(row, 1, _buffers);
        });
    }

    [Fact]
    public void Constructor_WhenOptionsAreOutOfRange_NamesAll()
    {
        var options = new CacheOptions { Size = 2, MinSize = 9, TimeToLive = TimeSpan.Zero, Mode = (CacheMode)7, TimeProvider = null! };

        string message = Assert.Throws<RouterConfigurationException>(() => new CachedRouter(_router, options)).Message;

        foreach (string name in new[] { "Size (2)", "MinSize (9)", "TimeToLive", "Mode (7)", "TimeProvider" })
        {
            Assert.Contains(name, message, StringComparison.Ordinal);
        }

        Assert.Throws<ArgumentNullException>(() => ((IRouter)null!).WithCache());
        Assert.Throws<ArgumentNullException>(() => _router.WithCache(null!));
    }
}
