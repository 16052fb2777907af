using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>
/// A router whose calls run on as many threads of the native pool as the load allows. The autoscaler watches the 95th percentile of a call, calls that
/// wait for a core, and how much of the pool callers hold. A target that is missed while cores are free gives calls more threads; while calls alone
/// fill the cores, fewer; where threads do not help, it proposes fewer experts per token to the router's <see cref="BudgetArbiter"/>. What was taken
/// from the budget is given back first when the load has been low for a whole window, then threads are given up.
/// </summary>
/// <remarks>
/// A limit of threads changes who computes, never what: results are those of the router inside to the last bit, as long as the budget is the same. The
/// limit holds for every native call that the router inside makes on the caller's thread, whatever router that is, and for all that a layer over this
/// router, or over wrappers around it, does in Forward: routing and experts. Such a layer's batches are then what is measured, in place of those of the
/// router. Proposals and workspaces need a <see cref="DynamicRouter"/> to be reached through <see cref="RouterWrapper.Inner"/>. Calls allocate nothing
/// after warm-up.
/// </remarks>
public sealed class OptimizedRouter : RouterWrapper, IForwardWatch
{
    // A look at the native queue costs about as much as the rest of the bookkeeping together.
    private const int CallsPerLook = 16;

    private readonly ScalingOptions _options;
    private readonly Autoscaler _autoscaler;
    private readonly CallMeter _meter;
    private readonly GateWeights? _gate;
    private uint _calls;
    private int _running;
    private int _peak;

    /// <summary>Puts parallel work and an autoscaler around a router.</summary>
    /// <param name="inner">The router inside; not owned.</param>
    /// <param name="enableAutoscaling">Whether the autoscaler decides. Otherwise calls may use <paramref name="maxWorkers"/> threads.</param>
    /// <param name="enableParallel">Whether a call may use more than one thread.</param>
    /// <param name="maxWorkers">Most threads of a call, 1..1024, the caller's included; never more than the native pool has.</param>
    /// <param name="scaling">Targets and steps; null for the defaults. Later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException"><paramref name="inner"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    /// <exception cref="DynamicMoEMemoryException">The workspaces do not fit into memory.</exception>
    /// <exception cref="ObjectDisposedException">The router inside is disposed.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public OptimizedRouter(
        IRouter inner, bool enableAutoscaling = true, bool enableParallel = true, int maxWorkers = 4, ScalingOptions? scaling = null)
        : base(inner)
    {
        _options = (scaling ?? new ScalingOptions()).Validated(maxWorkers);
        int most = enableParallel ? maxWorkers : 1;
        _options.MinWorkers = Math.Min(_options.MinWorkers, most);
        DynamicRouter? router = RouterChain.Dynamic(inner);
        NativeLoad load = RuntimeCalls.Load();
        int workers = Math.Max(_options.MinWorkers, Math.Min(most, load.PoolThreads));
        _autoscaler = new Autoscaler(_options, enableAutoscaling, workers, router is { IsFirstLayer: true } ? router.Arbiter : null);
        _meter = new CallMeter(_options, _autoscaler, most, load.PoolThreads);
        _gate = router?.Gate;
        if (_gate is not null)
        {
            WorkspaceCalls.Keep(_gate, _options.ReadyWorkspaces);
        }
    }

    /// <inheritdoc/>
    internal override bool CanBePassed => true;

    /// <inheritdoc/>
    internal override IForwardWatch ForwardWatch => this;

    /// <summary>Tells what was measured and decided.</summary>
    /// <returns>A snapshot.</returns>
    /// <exception cref="ObjectDisposedException">The gate of the router inside is disposed.</exception>
    public OptimizationStats GetOptimizationStats()
    {
        (OptimizationPerformance performance, AutoscalerStatus status) = _meter.Snapshot(Volatile.Read(ref _running));
        return new OptimizationStats(performance, status, WorkspaceCalls.Stats(_gate));
    }

    private protected override RoutingReport RouteRows(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
    {
        if (_meter.OfLayers)
        {
            return RouteLimited(hidden, tokens, buffers, context, capacity);
        }

        ForwardScope scope = Enter();
        bool failed = true;
        try
        {
            RoutingReport report = RouteInner(hidden, tokens, buffers, context, capacity);
            failed = false;
            return report;
        }
        finally
        {
            Leave(in scope, tokens, failed, ofLayer: false);
        }
    }

    ForwardScope IForwardWatch.Begin()
    {
        _meter.MeasureLayers();
        return Enter();
    }

    void IForwardWatch.End(in ForwardScope scope, in RoutingReport report, RoutingBuffers routing) =>
        Leave(in scope, (int)report.Tokens, failed: false, ofLayer: true);

    void IForwardWatch.Fail(in ForwardScope scope, Exception error) => Leave(in scope, 0, failed: true, ofLayer: true);

    // The batch that counts is the layer's.
    private RoutingReport RouteLimited(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
    {
        int before = ThreadLimit.Narrow(_autoscaler.Workers);
        try
        {
            return RouteInner(hidden, tokens, buffers, context, capacity);
        }
        finally
        {
            ThreadLimit.Set(before);
        }
    }

    private ForwardScope Enter()
    {
        long start = _meter.Start();
        int running = Interlocked.Increment(ref _running);
        if (running > Volatile.Read(ref _peak))
        {
            // A race loses a peak of one; the next call sees it.
            Volatile.Write(ref _peak, running);
        }

        if (Interlocked.Increment(ref _calls) % CallsPerLook == 1)
        {
            NativeLoad load = RuntimeCalls.Load();
            _meter.RecordQueue(load.PoolThreads, load.CallsWaiting + Math.Max(0, running - load.PoolThreads));
        }

        return new ForwardScope(start, null, ThreadLimit.Narrow(_autoscaler.Workers));
    }

    private void Leave(in ForwardScope scope, int tokens, bool failed, bool ofLayer)
    {
        ThreadLimit.Set(scope.ThreadLimit);
        Interlocked.Decrement(ref _running);
        if (_meter.Record(scope.Start, tokens, failed, ofLayer))
        {
            EndWindow();
        }
    }

    private void EndWindow()
    {
        int peak = Math.Max(_options.ReadyWorkspaces, Interlocked.Exchange(ref _peak, Volatile.Read(ref _running)));
        if (_gate is not null)
        {
            WorkspaceCalls.Trim(_gate, peak);
        }
    }
}
