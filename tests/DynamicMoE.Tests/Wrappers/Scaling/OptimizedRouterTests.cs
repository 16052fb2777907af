using System.Numerics.Tensors;
using DynamicMoE.Native;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Wrappers.Scaling;

public sealed class OptimizedRouterTests : IDisposable
{
    private const int Dim = 256;
    private const int Experts = 64;
    private const int Tokens = 128;

    private readonly ManualClock _clock = new();
    private readonly GateWeights _gate = GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2 }, 1);
    private readonly float[] _hidden = new SeededRandom(1).Gaussian(Tokens * Dim);
    private readonly RoutingBuffers _buffers = new(Tokens, 2, Experts, true);

    public void Dispose() => _gate.Dispose();

    [Theory]
    [InlineData(true, 4)]
    [InlineData(true, 1)]
    [InlineData(false, 4)]
    public void Route_WhateverTheThreads_GivesTheSameBits(bool parallel, int workers)
    {
        using DynamicRouter plain = Router(), inner = Router();
        OptimizedRouter optimized = inner.Optimize(enableParallel: parallel, maxWorkers: workers);
        var expected = new RoutingBuffers(Tokens, 2, Experts, true);
        for (int batch = 0; batch < 3; batch++)
        {
            Assert.Equal(plain.Route(_hidden, Tokens, expected), optimized.Route(_hidden, Tokens, _buffers));
            SameRouting.Assert(expected, _buffers, Tokens);
        }

        var capacity = new CapacityLimit(1, OverflowPolicy.Reroute);
        Assert.Equal(plain.RouteWithin(capacity, _hidden, Tokens, expected), optimized.RouteWithin(capacity, _hidden, Tokens, _buffers));
        SameRouting.Assert(expected, _buffers, Tokens);
    }

    [Fact]
    public void Route_WhileItRuns_LimitsTheThreadsOfTheRouterInside()
    {
        using DynamicRouter router = Router();
        var limits = new LimitRecorder(router);
        int pool = RuntimeInfo.Query().PoolThreads;

        limits.Optimize(enableAutoscaling: false, maxWorkers: 3).Route(_hidden, Tokens, _buffers);
        limits.Optimize(enableParallel: false).Route(_hidden, Tokens, _buffers);
        new OptimizedRouter(limits.Optimize(maxWorkers: 4), enableParallel: false).Route(_hidden, Tokens, _buffers);
        Assert.Throws<RoutingValidationException>(() => limits.Optimize(enableParallel: false).Route([], 0, _buffers));

        Assert.Equal([Math.Min(3, pool), 1, 1, 1], limits.Seen);
        Assert.Equal(0, ThreadLimit.Set(0));
    }

    [Fact]
    public void Stats_WhenNothingWasRouted_AreThoseOfANewRouter()
    {
        using DynamicRouter router = Router();

        OptimizationStats stats = router.Optimize().GetOptimizationStats();

        Assert.Equal((0L, 0L, 0L, TimeSpan.Zero), (stats.Performance.TotalCalls, stats.Performance.FailedCalls, stats.Performance.TotalTokens, stats.Performance.P99));
        int most = Math.Min(4, RuntimeInfo.Query().PoolThreads);
        Assert.Equal((true, most, 1, most), (stats.Autoscaler.Enabled, stats.Autoscaler.Workers, stats.Autoscaler.MinWorkers, stats.Autoscaler.MaxWorkers));
        Assert.Equal((0.0, false, ScalingAction.None), (stats.Autoscaler.BudgetOffset, stats.Autoscaler.ProposesBudget, stats.Autoscaler.LastAction));
        Assert.Equal((true, 2, 0), (stats.MemoryPool.HasWorkspaces, stats.MemoryPool.Workspaces, stats.MemoryPool.InUse));
    }

    [Fact]
    public void Stats_AfterCalls_CountThemAndTheirWorkspaces()
    {
        using DynamicRouter router = Router();
        OptimizedRouter optimized = router.Optimize();
        MemoryPoolStats before = optimized.GetOptimizationStats().MemoryPool;
        for (int call = 0; call < 5; call++)
        {
            optimized.Route(_hidden, Tokens, _buffers);
        }

        Assert.Throws<RoutingValidationException>(() => optimized.Route(new float[3], 1, _buffers));
        optimized.Route(new ReadOnlyTensorSpan<float>(_hidden, [2, Tokens / 2, Dim]));

        OptimizationStats stats = optimized.GetOptimizationStats();
        Assert.Equal((7L, 1L, 6L * Tokens, 0), (stats.Performance.TotalCalls, stats.Performance.FailedCalls, stats.Performance.TotalTokens, stats.Performance.RunningCalls));
        Assert.True(stats.Performance.P50 > TimeSpan.Zero && stats.Performance.P50 <= stats.Performance.P99);
        Assert.Equal((before.Leases + 6, before.Allocations), (stats.MemoryPool.Leases, stats.MemoryPool.Allocations));
        Assert.InRange(stats.MemoryPool.ReuseRate, 0.7, 1);
        Assert.InRange(stats.MemoryPool.Bytes, 1, stats.MemoryPool.NativeBytes);
        Assert.True(stats.MemoryPool.NativeAllocations > 0);
    }

    [Fact]
    public void Stats_WhenTheRouterInsideIsUnknown_HaveNoWorkspaces()
    {
        using DynamicRouter router = Router();
        OptimizedRouter optimized = new WrappedRouter(router).Optimize();
        optimized.Route(_hidden, Tokens, _buffers);

        MemoryPoolStats pool = optimized.GetOptimizationStats().MemoryPool;

        Assert.Equal((false, 0, 0L, 0.0), (pool.HasWorkspaces, pool.Workspaces, pool.Bytes, pool.ReuseRate));
        Assert.True(pool.NativeBytes > 0);
    }

    [Fact]
    public void Route_WhenAWindowDidWithoutWorkspaces_FreesThem()
    {
        using DynamicRouter router = Router();
        var scaling = new ScalingOptions { Interval = TimeSpan.FromSeconds(1), Stabilization = TimeSpan.FromSeconds(2), TimeProvider = _clock, ReadyWorkspaces = 1 };
        OptimizedRouter optimized = router.Optimize(scaling: scaling);
        WorkspaceCalls.Keep(_gate, 5);
        for (int interval = 0; interval < 3; interval++)
        {
            Assert.Equal(5, optimized.GetOptimizationStats().MemoryPool.Workspaces);
            optimized.Route(_hidden.AsSpan(0, Dim), 1, _buffers);
            _clock.Advance(TimeSpan.FromSeconds(0.9));
        }

        optimized.Route(_hidden.AsSpan(0, Dim), 1, _buffers);

        Assert.Equal(1, optimized.GetOptimizationStats().MemoryPool.Workspaces);
    }

    [Fact]
    public void Route_WhenTheTargetIsMissedOnOneThread_ProposesFewerExperts()
    {
        using DynamicRouter router = Router(budget: 1.5);
        var slow = new SlowRouter(router, _clock, TimeSpan.FromMilliseconds(100));
        var scaling = new ScalingOptions
        {
            Interval = TimeSpan.FromSeconds(1), Stabilization = TimeSpan.FromSeconds(10), MinCalls = 5, TimeProvider = _clock, MaxBudgetCut = 0.3,
        };
        OptimizedRouter optimized = slow.Optimize(enableParallel: false, scaling: scaling);
        for (int call = 0; call < 200; call++)
        {
            optimized.Route(_hidden, Tokens, _buffers);
        }

        AutoscalerStatus status = optimized.GetOptimizationStats().Autoscaler;
        Assert.Equal((true, -0.3, 3L, ScalingAction.LowerBudget), (status.ProposesBudget, status.BudgetOffset, status.BudgetChanges, status.LastAction));
        Assert.Equal(1.2, router.Arbiter!.Decision.Effective, 1e-12);

        slow.Duration = TimeSpan.FromMilliseconds(1);
        for (int call = 0; call < 4000; call++)
        {
            optimized.Route(_hidden.AsSpan(0, Dim), 1, _buffers);
            _clock.Advance(TimeSpan.FromMilliseconds(19));
        }

        Assert.Equal(0, optimized.GetOptimizationStats().Autoscaler.BudgetOffset);
        Assert.Equal(1.5, router.Arbiter.Decision.Effective, 1e-12);
    }

    [Fact]
    public void Stats_WhenTheRouterIsOfALaterLayer_ProposeNothing()
    {
        var arbiter = new BudgetArbiter(new BudgetArbiterOptions { Budget = 1.5, MaxExperts = 2, Layers = 2 });
        var options = new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, Arbiter = arbiter };
        using var first = new DynamicRouter(_gate, options);
        options.ArbiterLayer = 1;
        using var second = new DynamicRouter(_gate, options);

        Assert.True(first.WithCache().Optimize().GetOptimizationStats().Autoscaler.ProposesBudget);
        Assert.False(second.Optimize().GetOptimizationStats().Autoscaler.ProposesBudget);
    }

    [Fact]
    public async Task Route_WhenManyCallsRun_CountsAndLimitsThemAll()
    {
        const int threads = 6, calls = 50;
        using DynamicRouter router = Router();
        OptimizedRouter optimized = router.Optimize(maxWorkers: 2);
        var expected = new RoutingBuffers(Tokens, 2, Experts, true);
        using DynamicRouter plain = Router();
        plain.Route(_hidden, Tokens, expected);

        await Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Run(() =>
        {
            var buffers = new RoutingBuffers(Tokens, 2, Experts, true);
            for (int call = 0; call < calls; call++)
            {
                optimized.Route(_hidden, Tokens, buffers);
                SameRouting.Assert(expected, buffers, Tokens);
            }
        })));

        OptimizationStats stats = optimized.GetOptimizationStats();
        Assert.Equal((threads * calls, 0), (stats.Performance.TotalCalls, stats.Performance.RunningCalls));
        Assert.InRange(stats.MemoryPool.MostInUse, 1, threads + 1);
    }

    [Fact]
    public void Route_WhenTheRouterIsDisposed_SaysSo()
    {
        DynamicRouter router = Router();
        var scaling = new ScalingOptions { Interval = TimeSpan.FromSeconds(1), Stabilization = TimeSpan.FromSeconds(1), TimeProvider = _clock };
        OptimizedRouter optimized = router.Optimize(scaling: scaling);
        router.Dispose();
        _gate.Dispose();
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Throws<ObjectDisposedException>(() => optimized.Route(_hidden, Tokens, _buffers));
        Assert.Throws<ObjectDisposedException>(optimized.GetOptimizationStats);
        Assert.Throws<ObjectDisposedException>(() => router.Optimize());
    }

    [Fact]
    public void Route_WhenWarm_AllocatesNothing()
    {
        using DynamicRouter router = Router();
        OptimizedRouter optimized = router.Optimize();

        NoAllocation.Assert(() => optimized.Route(_hidden, Tokens, _buffers));
    }

    [Fact]
    public void Constructor_WhenOptionsAreOutOfRange_NamesAll()
    {
        using DynamicRouter router = Router();
        var scaling = new ScalingOptions
        {
            TargetP95 = TimeSpan.Zero, MaxQueueDepth = -1, CalmShare = 1, LowUtilization = 0.9, HighUtilization = 0.8, MinWorkers = 0, Interval = TimeSpan.Zero,
            Stabilization = TimeSpan.FromSeconds(-1), MinCalls = 0, BudgetStep = 0, MaxBudgetCut = double.NaN, ReadyWorkspaces = 0, TimeProvider = null!,
        };

        string message = Assert.Throws<RouterConfigurationException>(() => router.Optimize(maxWorkers: 0, scaling: scaling)).Message;

        foreach (string name in new[]
        {
            "MaxWorkers (0)", "TargetP95", "MaxQueueDepth (-1)", "CalmShare (1)", "HighUtilization (0.8)", "MinWorkers (0)", "Interval", "Stabilization",
            "MinCalls (0)", "BudgetStep (0)", "MaxBudgetCut (NaN)", "ReadyWorkspaces (0)", "TimeProvider",
        })
        {
            Assert.Contains(name, message, StringComparison.Ordinal);
        }

        Assert.Contains(
            "MinWorkers (5)",
            Assert.Throws<RouterConfigurationException>(() => router.Optimize(scaling: new ScalingOptions { MinWorkers = 5 })).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => ((IRouter)null!).Optimize());
    }

    private DynamicRouter Router(double? budget = null) => new(_gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = budget });

    private sealed class LimitRecorder(IRouter inner) : RouterWrapper(inner)
    {
        public List<int> Seen { get; } = [];

        private protected override RoutingReport RouteRows(
            ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
        {
            // Out of range: tells the limit and changes nothing.
            Seen.Add(ThreadLimit.Set(-1));
            return RouteInner(hidden, tokens, buffers, context, capacity);
        }
    }

    private sealed class SlowRouter(IRouter inner, ManualClock clock, TimeSpan duration) : RouterWrapper(inner)
    {
        public TimeSpan Duration { get; set; } = duration;

        private protected override RoutingReport RouteRows(
            ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
        {
            clock.Advance(Duration);
            return RouteInner(hidden, tokens, buffers, context, capacity);
        }
    }
}
