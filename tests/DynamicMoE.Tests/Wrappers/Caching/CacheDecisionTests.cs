using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Wrappers.Caching;

/// <summary>What follows from what was measured: whether the cache serves, and how large it is.</summary>
public sealed class CacheDecisionTests
{
    private static readonly CacheSample Good = new(10, Hits: 5, Plain: 1000, Cached: 800);
    private static readonly CacheSample Bad = new(10, Hits: 5, Plain: 1000, Cached: 1200);
    private static readonly CacheSample Even = new(10, Hits: 5, Plain: 1000, Cached: 980);

    [Fact]
    public void Verdict_WhenAThirdOfTheCallsWasInterrupted_IsThatOfTheOthers()
    {
        CacheSample[] samples = [.. Enumerable.Range(0, 64).Select(i => (i % 6) switch { 0 => Good with { Cached = 1e9 }, 1 => Good with { Plain = 1e9 }, _ => Good })];

        CacheVerdict verdict = CacheVerdict.Of(samples);

        Assert.Equal((100, 80, 20), (verdict.Plain, verdict.Cached, verdict.Saved));
    }

    [Fact]
    public void Verdict_WhenCallsHaveHitsOrNone_WeighsBothKinds()
    {
        // One token a call: two calls of five are hits and save 700 ns, the others lose 300 ns.
        CacheSample[] samples = [.. Enumerable.Range(0, 64).Select(i => i % 5 < 2 ? new CacheSample(1, 1, 1000, 300) : new CacheSample(1, 0, 1000, 1300))];

        CacheVerdict verdict = CacheVerdict.Of(samples);

        Assert.Equal(1000, verdict.Plain);
        Assert.Equal(((3 * 700) - (5 * 300)) / 8.0, verdict.Saved);
    }

    [Fact]
    public void Verdict_WhenBatchesDifferInSize_WeighsThemByTheirRows()
    {
        CacheSample[] samples = [.. Enumerable.Range(0, 64).Select(i => i % 2 == 0 ? new CacheSample(100, 90, 20_000, 10_000) : new CacheSample(1, 0, 400, 700))];

        Assert.Equal(100, CacheVerdict.Of(samples).Saved, 5.0);
    }

    [Fact]
    public void Verdict_WhenCallsDifferByMoreThanTheWays_DoesNotTell()
    {
        // Within each share of hits from 17.5 ns lost to 17.5 ns saved per row: the upper median is 2.5, two ranks up 12.5, two ranks down -7.5.
        CacheSample[] samples = [.. Enumerable.Range(0, 64).Select(i => new CacheSample(10, i / 8, 1000, 825 + (i % 8 * 50)))];

        CacheVerdict verdict = CacheVerdict.Of(samples);

        Assert.Equal(2.5, verdict.Saved, 1e-9);
        Assert.Equal(10 / Math.Sqrt(8), verdict.Error, 1e-9);
        Assert.Null(verdict.Pays);
        Assert.False(verdict.PaysClearly);
    }

    [Fact]
    public void Governor_WhenSamplesDoNotTell_KeepsWhatItKnew()
    {
        CacheGovernor governor = Governor(CacheMode.Measure, out LogCollector log);
        Feed(governor, Good);
        for (int window = 0; window < 2 * CacheGovernor.MeasuringWindows; window++)
        {
            for (int i = 0; i < CacheGovernor.SamplesPerWindow; i++)
            {
                governor.Add(governor.Cache!, new CacheSample(10, i / 8, 1000, 825 + (i % 8 * 50)), 0);
            }
        }

        Assert.Equal((CacheState.Serving, true), (governor.State, governor.Judgement.Pays));
        Assert.Single(log.Informations);
    }

    [Fact]
    public void Governor_WhenMeasuringFindsABenefit_Serves()
    {
        CacheGovernor governor = Governor(CacheMode.Measure, out LogCollector log);
        Assert.Equal(CacheState.Measuring, governor.State);

        Feed(governor, Good);

        Assert.Equal(CacheState.Serving, governor.State);
        Assert.Contains("80 ns with it and 100 ns without", Assert.Single(log.Informations), StringComparison.Ordinal);
    }

    [Fact]
    public void Governor_WhenTheBenefitIsSmall_DoesNotBeginButGoesOn()
    {
        CacheGovernor governor = Governor(CacheMode.Measure, out _);
        Feed(governor, Even);
        Assert.Equal(CacheState.Measuring, governor.State);
        Feed(governor, Good);

        for (int window = 0; window < 10; window++)
        {
            Feed(governor, Even);
        }

        Assert.Equal(CacheState.Serving, governor.State);
    }

    [Fact]
    public void Governor_WhenThereIsNoBenefit_RestsLongerEachTime()
    {
        CacheGovernor governor = Governor(CacheMode.Measure, out LogCollector log);
        foreach (int rest in new[] { CacheGovernor.FirstRest, 2 * CacheGovernor.FirstRest })
        {
            for (int window = 0; window < CacheGovernor.MeasuringWindows; window++)
            {
                Assert.Equal(CacheState.Measuring, governor.State);
                Feed(governor, Bad);
            }

            Assert.Equal(CacheState.Resting, governor.State);
            for (int call = 0; call < rest; call++)
            {
                Assert.Equal(CacheState.Resting, governor.State);
                governor.Rest();
            }
        }

        Assert.Equal(CacheState.Measuring, governor.State);
        Assert.Contains("does not pay", Assert.Single(log.Informations), StringComparison.Ordinal);
    }

    [Fact]
    public void Governor_WhenServingStopsPaying_Rests()
    {
        CacheGovernor governor = Governor(CacheMode.Measure, out _);
        Feed(governor, Good);
        for (int window = 0; window < CacheGovernor.MeasuringWindows; window++)
        {
            Assert.Equal(CacheState.Serving, governor.State);
            Feed(governor, Bad);
        }

        Assert.Equal(CacheState.Resting, governor.State);
        Assert.False(governor.Judgement.Pays);
    }

    [Fact]
    public void Governor_WhenItIsToServe_ServesWhateverWasMeasured()
    {
        CacheGovernor governor = Governor(CacheMode.Serve, out LogCollector log);
        for (int window = 0; window < 20; window++)
        {
            Feed(governor, Bad);
            Assert.Equal(CacheState.Serving, governor.State);
        }

        Assert.Contains("does not pay", Assert.Single(log.Informations), StringComparison.Ordinal);
        Feed(governor, Good);
        Assert.Equal(2, log.Informations.Count);
    }

    [Fact]
    public void Governor_WhenASampleIsOfAStoreThatIsGone_LeavesItOut()
    {
        CacheGovernor governor = Governor(CacheMode.Measure, out _);
        RowCache old = governor.Cache!;
        governor.Clear();
        for (int i = 0; i < CacheGovernor.SamplesPerWindow; i++)
        {
            governor.Add(old, Good, 0);
        }

        Assert.Null(governor.Judgement.Verdict);
    }

    [Theory]
    [InlineData(CacheMode.Serve, CacheGovernor.ServingInterval)]
    [InlineData(CacheMode.Measure, CacheGovernor.MeasuringInterval)]
    public void Governor_WhenCallsGoOn_SamplesItsShareOfThem(CacheMode mode, int interval)
    {
        CacheGovernor governor = Governor(mode, out _);
        Assert.InRange(Share(governor), 0.9 / CacheGovernor.MeasuringInterval, 1.1 / CacheGovernor.MeasuringInterval);
        Feed(governor, Even);

        Assert.InRange(Share(governor), 0.9 / interval, 1.1 / interval);
        int plainFirst = Enumerable.Range(0, 200_000).Count(_ => governor.Samples(governor.Cache!, out bool first) && first);
        Assert.InRange(plainFirst, 0.45 * 200_000 / interval, 0.55 * 200_000 / interval);
    }

    [Theory]
    [InlineData(true, 50, 100, 25, 64)]    // rows come back to a full cache that pays: larger
    [InlineData(true, 1, 100, 25, 32)]     // too few do
    [InlineData(false, 50, 100, 25, 32)]   // there is room
    public void Sizing_WhenRowsComeBack_Grows(bool full, long returned, long misses, long distinct, int expected)
    {
        var sizing = new CacheSizing(4, 1000);

        Assert.Equal(expected, sizing.Next(new CacheWindow(32, full, 100, misses, returned, distinct), new CacheVerdict(100, 20)));
    }

    [Fact]
    public void Sizing_WhenGrowingWouldMakeItPay_Grows()
    {
        var sizing = new CacheSizing(4, 60);

        // 10 ns are lost per row; a fifth of the lookups would be hits, each worth 100 ns.
        Assert.Equal(60, sizing.Next(new CacheWindow(32, true, 100, 300, 80, 30), new CacheVerdict(100, -10)));
    }

    [Theory]
    [InlineData(120, 100)]   // it does not pay
    [InlineData(80, 7)]      // it pays with a fraction of its rows
    public void Sizing_WhenMostOfItIsWorthNothing_ShrinksAtTheSecondTime(double cached, long distinct)
    {
        var sizing = new CacheSizing(10, 100);
        var verdict = new CacheVerdict(100, 100 - cached);
        int size = 32;
        int[] sizes = [.. Enumerable.Range(0, 6).Select(_ => size = sizing.Next(new CacheWindow(size, true, 100, 100, 0, Math.Min(distinct, size / 5)), verdict))];

        Assert.Equal([32, 16, 16, 10, 10, 10], sizes);
    }

    [Fact]
    public void Governor_WhenItIsAdaptive_ShrinksTheStoreAndKeepsWhatFits()
    {
        var governor = new CacheGovernor(new CacheOptions { Size = 40, MinSize = 20 }.Validated());
        RowCache cache = governor.Cache!;
        for (int row = 0; row < 10; row++)
        {
            cache.Claim(new CachedRow(new RowKey((ulong)row, 1), [row], 0, 0));
        }

        Feed(governor, Bad);
        Assert.Equal(40, governor.Size);
        Feed(governor, Bad);

        Assert.Equal((20, 20, 10), (governor.Size, cache.Size, cache.Count));
        Feed(governor, Bad);
        Feed(governor, Bad);
        Assert.Equal(20, governor.Size);
    }

    [Fact]
    public void Store_WhenAWindowEndsALifeTimeLater_LetsOldRowsGo()
    {
        var cache = new RowCache(serves: true, 8, 8, timeToLive: 100, now: 0);
        for (int row = 0; row < 8; row++)
        {
            cache.Claim(new CachedRow(new RowKey((ulong)row, 1), [row], 0, row < 6 ? 0 : 60));
        }

        cache.EndWindow(99);
        Assert.Equal(8, cache.Count);
        cache.EndWindow(100);

        Assert.Equal(2, cache.Count);
        Assert.False(cache.IsFull);
    }

    [Fact]
    public void Stats_WhenLookingUpTakesLonger_SayThatItDoesNotPay()
    {
        // Every look at this clock takes 1 us: two per lookup and decision, one per routing without the cache.
        var clock = new SteppingClock();
        using GateWeights gate = GateWeights.CreateRandom(new GateOptions { InputDim = 8, NumExperts = 4 }, 1);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());
        var options = new CacheOptions { Size = 64, TimeProvider = clock };
        CachedRouter serving = router.WithCache(options);
        options.Mode = CacheMode.Measure;
        CachedRouter measuring = router.WithCache(options);
        var random = new SeededRandom(1);
        var buffers = new RoutingBuffers(1, 1, 4, false);
        float[][] rows = [.. Enumerable.Range(0, 8).Select(_ => random.Gaussian(8))];
        for (int call = 0; call < 800; call++)
        {
            serving.Route(rows[call % 8], 1, buffers);
            measuring.Route(rows[call % 8], 1, buffers);
        }

        Assert.Equal((false, 1000, 2000), (serving.GetCacheStats().Pays, serving.GetCacheStats().PlainNanosecondsPerRow, serving.GetCacheStats().CachedNanosecondsPerRow));
        Assert.Equal(CacheState.Serving, serving.GetCacheStats().State);
        Assert.False(measuring.GetCacheStats().Pays);
        Assert.Equal((CacheState.Measuring, 792L, 8L), (measuring.GetCacheStats().State, measuring.GetCacheStats().HitCount, measuring.GetCacheStats().MissCount));
        Assert.Equal(8 * 8 * sizeof(float), measuring.GetCacheStats().Bytes);
        for (int call = 0; call < 2400; call++)
        {
            measuring.Route(rows[call % 8], 1, buffers);
        }

        Assert.Equal((CacheState.Resting, 0), (measuring.GetCacheStats().State, measuring.GetCacheStats().Size));
    }

    private static CacheGovernor Governor(CacheMode mode, out LogCollector log)
    {
        log = new LogCollector();
        return new CacheGovernor(new CacheOptions { Mode = mode, Adaptive = false, Logger = log }.Validated());
    }

    private static void Feed(CacheGovernor governor, CacheSample sample)
    {
        for (int i = 0; i < CacheGovernor.SamplesPerWindow; i++)
        {
            governor.Add(governor.Cache!, sample, 0);
        }
    }

    private static double Share(CacheGovernor governor) => Enumerable.Range(0, 20_000).Count(_ => governor.Samples(governor.Cache!, out bool _)) / 20_000.0;
}
