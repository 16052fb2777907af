namespace DynamicMoE;

/// <summary>
/// A Mixture-of-Experts layer: routes each token and adds up its experts' outputs by weight. With a <see cref="DynamicRouter"/> and native
/// experts a batch is one native call, also where a <see cref="MonitoredRouter"/> is around the router. Many threads may call a layer at once.
/// </summary>
public partial class MoELayer : IDisposable
{
    private readonly LayerPipeline _pipeline;
    private readonly LayerPipeline _watched;
    private readonly ExpertBank? _ownExperts;
    private readonly PerformanceTracker _performance;
    private readonly Dropout _dropout;
    private readonly LayerShadow? _shadow;
    private readonly ScratchPool<RouteScratch> _scratch = new();
    private volatile bool _disposed;

    /// <summary>Makes a layer of native experts.</summary>
    /// <param name="router">Chooses experts; not owned.</param>
    /// <param name="experts">Complete experts; not owned, but kept alive by the layer.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> or <paramref name="experts"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">An argument is disposed.</exception>
    /// <exception cref="RouterConfigurationException">Shapes of router and experts differ, an expert has no weights, or an option is outside its range.</exception>
    /// <exception cref="DynamicMoEMemoryException">The workspaces do not fit into memory.</exception>
    public MoELayer(IRouter router, ExpertBank experts, MoELayerOptions? options = null)
        : this(router, new ExpertSource(experts), options, null)
    {
    }

    /// <summary>Makes a layer of native experts with random weights, which the layer owns.</summary>
    /// <param name="router">Chooses experts; not owned.</param>
    /// <param name="experts">Shape of the experts; its UseBias gives way to that of <paramref name="options"/>.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> or <paramref name="experts"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">Shapes of router and experts differ, or an option is outside its range.</exception>
    /// <exception cref="DynamicMoEMemoryException">Weights or workspaces do not fit into memory.</exception>
    public MoELayer(IRouter router, ExpertBankOptions experts, MoELayerOptions? options = null)
        : this(router, new ExpertSource(experts), options, null)
    {
    }

    /// <summary>Makes a layer of managed experts, which the layer owns and disposes.</summary>
    /// <param name="router">Chooses experts; not owned.</param>
    /// <param name="expertFactory">Makes the expert of an index 0..numExperts-1.</param>
    /// <param name="numExperts">Number of experts: that of the router.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> or <paramref name="expertFactory"/> is null, or it returned null.</exception>
    /// <exception cref="RouterConfigurationException">The number of experts differs from the router's, or an option is outside its range.</exception>
    public MoELayer(IRouter router, Func<int, IExpert> expertFactory, int numExperts, MoELayerOptions? options = null)
        : this(router, new ExpertSource(expertFactory, numExperts), options, null)
    {
    }

    private protected MoELayer(IRouter router, ExpertSource experts, MoELayerOptions? options, CapacityLimit? limit)
    {
        ArgumentNullException.ThrowIfNull(router);
        Router = router;
        BatchWideRule = limit is not null;
        Options = (options ?? new MoELayerOptions()).Validated(router);
        LayerRules.Check(router, experts, Options, limit);
        if (experts.Managed)
        {
            _pipeline = new ManagedPipeline(router, experts.MakeManaged(), Options, limit);
        }
        else
        {
            _ownExperts = experts.Given is null ? experts.MakeBank(Options) : null;
            Bank = experts.Given ?? _ownExperts!;
            _pipeline = Native(router, Bank, limit);
        }

        _dropout = new Dropout(Options.DropoutRate, Options.Seed);
        double shared = Options.SharedExperts is { } s ? (double)s.FlopsPerToken * s.NumExperts : 0;
        double gate = Bank is null ? 0 : 2.0 * router.InputDim * router.NumExperts;
        _performance = new PerformanceTracker(Bank?.FlopsPerToken ?? 1, gate + shared, router.TrainedExperts);
        _shadow = Watch(Bank);
        _watched = LayerPipelines.Watched(_pipeline, router, Options);
    }

    /// <summary>Chooses the experts.</summary>
    public IRouter Router { get; }

    internal MoELayerOptions Options { get; }

    /// <summary>The native experts; null when experts are managed.</summary>
    internal ExpertBank? Bank { get; }

    /// <summary>Whether a capacity makes a token's output depend on the batch it came in.</summary>
    internal bool BatchWideRule { get; }

    /// <summary>Runs the layer on a batch. Allocates nothing after warm-up.</summary>
    /// <param name="hidden">Hidden states, <c>[tokens, InputDim]</c>, row-major, finite.</param>
    /// <param name="tokens">Rows of <paramref name="hidden"/>, at least 1.</param>
    /// <param name="output">[out] <c>[tokens, InputDim]</c>; must not overlap <paramref name="hidden"/>.</param>
    /// <param name="routing">[out] The routing decisions; null when they are not wanted.</param>
    /// <param name="context">What the host model knows beside the hidden states, or null.</param>
    /// <returns>Figures of the batch.</returns>
    /// <exception cref="RoutingValidationException">A shape does not fit, the batch is empty, spans overlap, or a value is not finite. Nothing was written.</exception>
    /// <exception cref="ComplexityEstimationException">The estimator failed. Nothing was written.</exception>
    /// <exception cref="LoadBalancingException">Fewer usable experts are left than MinExperts. Nothing was written.</exception>
    /// <exception cref="ExpertDispatchException">An expert failed; the output is undefined.</exception>
    /// <exception cref="DynamicMoEMemoryException">Working memory could not be had; the output is undefined.</exception>
    /// <exception cref="ObjectDisposedException">The layer or the router is disposed.</exception>
    public RoutingReport Forward(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers? routing = null, RoutingContext? context = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Shapes.RequireRows(hidden.Length, tokens, Router.InputDim, nameof(hidden));
        Shapes.RequireRows(output.Length, tokens, Router.InputDim, nameof(output));
        Shapes.RequireApart(hidden, output, "hidden and output");
        RouteScratch? scratch = routing is null ? _scratch.Rent() : null;
        try
        {
            RoutingBuffers buffers = routing ?? scratch!.Routing(Router, tokens, withLogits: false);
            buffers.RequireFit(Router, tokens);
            RoutingReport report = WithOverflow(ForwardRows(hidden, tokens, output, buffers, context, given: false), buffers);
            _performance.Record(in report);
            return report;
        }
        catch (OutOfMemoryException error)
        {
            throw DynamicMoEMemoryException.Of(tokens, error);
        }
        finally
        {
            if (scratch is not null)
            {
                _scratch.Return(scratch);
            }
        }
    }

    /// <summary>Runs the experts on decisions that were made before: with the input and the routes of a <see cref="Forward(ReadOnlySpan{float}, int, Span{float}, RoutingBuffers, RoutingContext)"/>
    /// the output has the bits of that call, at one instruction-set level and processor vendor. The router is not asked and learns nothing; usage
    /// and performance figures stay as they are. Allocates nothing after warm-up.</summary>
    /// <param name="hidden">Hidden states, <c>[tokens, InputDim]</c>, row-major, finite.</param>
    /// <param name="tokens">Rows of <paramref name="hidden"/>, at least 1.</param>
    /// <param name="routes">Ids and weights are read, used slots first; ExpertsPerToken and ExpertRoutes are written from the ids.</param>
    /// <param name="output">[out] <c>[tokens, InputDim]</c>; must not overlap <paramref name="hidden"/>.</param>
    /// <returns>Figures of the batch; capacity is not looked at.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="routes"/> is null.</exception>
    /// <exception cref="RoutingValidationException">A shape does not fit, spans overlap, a value or weight is not finite, or an id is outside
    /// -1..NumExperts-1, given twice for a token or behind an unused slot. Nothing was written to <paramref name="output"/>.</exception>
    /// <exception cref="ExpertDispatchException">An expert failed; the output is undefined.</exception>
    /// <exception cref="DynamicMoEMemoryException">Working memory could not be had; the output is undefined.</exception>
    /// <exception cref="ObjectDisposedException">The layer or the router is disposed.</exception>
    public RoutingReport Execute(ReadOnlySpan<float> hidden, int tokens, RoutingBuffers routes, Span<float> output)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(routes);
        Shapes.RequireRows(hidden.Length, tokens, Router.InputDim, nameof(hidden));
        Shapes.RequireRows(output.Length, tokens, Router.InputDim, nameof(output));
        Shapes.RequireApart(hidden, output, "hidden and output");
        GivenRoutes.Check(routes, tokens, Router.NumExperts);
        try
        {
            return ForwardRows(hidden, tokens, output, routes, null, given: true);
        }
        catch (OutOfMemoryException error)
        {
            throw DynamicMoEMemoryException.Of(tokens, error);
        }
    }

    /// <summary>Tells what the layer did since it was built.</summary>
    /// <returns>A consistent snapshot.</returns>
    public PerformanceSummary GetPerformanceSummary() => _performance.Snapshot(Router.GetExpertUsageStats());

    /// <summary>Frees workspaces and the experts that the layer owns, once no call uses them. A second call does nothing.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the layer owns.</summary>
    /// <param name="disposing">Whether <see cref="Dispose()"/> calls it.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (disposing)
        {
            _shadow?.Dispose();
            _pipeline.Dispose();
            _ownExperts?.Dispose();
        }
    }

    /// <summary>Runs the batch; shapes are checked, nothing is recorded yet.</summary>
    /// <param name="hidden">Input.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="output">[out] Result.</param>
    /// <param name="routing">[out] The decisions; read instead when they are given.</param>
    /// <param name="context">Context, or null.</param>
    /// <param name="given">Whether <paramref name="routing"/> holds the decisions already.</param>
    private protected virtual RoutingReport ForwardRows(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context, bool given)
    {
        long generation = _shadow?.Generation ?? 0;
        RoutingReport report;
        try
        {
            report = given ? _pipeline.Execute(hidden, tokens, output, routing) : _watched.Run(hidden, tokens, output, routing, context);
        }
        catch (ExpertDispatchException error) when (error.Expert is not null && Options.ExpertFaults == ExpertFaultPolicy.Disable)
        {
            RouterChain.Dynamic(Router)!.DisableFailed(error.Expert.Value, error.Message);
            throw;
        }

        if (!given)
        {
            _shadow?.Observe(hidden, tokens, output, context, generation);
        }

        if (context is { Training: true })
        {
            _dropout.Apply(output);
        }

        return report;
    }

    private LayerShadow? Watch(ExpertBank? bank)
    {
        try
        {
            return Options.Guardrail is null ? null : LayerShadow.Of(Options, RouterChain.Dynamic(Router)!, bank, _pipeline);
        }
        catch
        {
            _pipeline.Dispose();
            _ownExperts?.Dispose();
            throw;
        }
    }

    private LayerPipeline Native(IRouter router, ExpertBank bank, CapacityLimit? limit)
    {
        try
        {
            return LayerPipelines.Native(router, bank, Options, limit);
        }
        catch
        {
            _ownExperts?.Dispose();
            throw;
        }
    }

    // A layer without capacity limit reports what one would have cut; with a limit the native core has counted already.
    private RoutingReport WithOverflow(RoutingReport report, RoutingBuffers buffers)
    {
        if (BatchWideRule)
        {
            return report;
        }

        long capacity = ExpertCapacity.Of(Options.ExpertCapacityFactor, report.Routes, Router.NumExperts);
        long overflow = 0;
        foreach (long routes in buffers.ExpertRoutes)
        {
            overflow += Math.Max(0, routes - capacity);
        }

        return report with { OverflowRoutes = overflow };
    }
}
