using System.Numerics.Tensors;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>
/// Routes each token to as many experts as it needs: logits, gate, complexity score, count, selection and weights in one native call.
/// Many threads may call it at once; what it learns from a batch acts on later batches only.
/// </summary>
public partial class DynamicRouter : IRouter, IDisposable
{
    private readonly DynamicRouterOptions _options;
    private readonly bool _ownsGate;
    private readonly ScoreSource? _fused;
    private readonly UsageTracker _usage;
    private readonly CalibratedScores? _calibrated;
    private readonly ScratchPool<RouteScratch> _scratch = new();
    private volatile bool _disposed;

    /// <summary>Makes a router with a random gate of its own.</summary>
    /// <param name="options">Options; InputDim and NumExperts are required. Later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public DynamicRouter(DynamicRouterOptions options)
        : this(Require(options).Validated(null), null)
    {
    }

    /// <summary>Makes a router over given gate weights, which it shares and does not own.</summary>
    /// <param name="gate">The gate; keep it until the router is no longer used.</param>
    /// <param name="options">Options; later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ObjectDisposedException">The gate is disposed.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    public DynamicRouter(GateWeights gate, DynamicRouterOptions options)
        : this(Require(options).Validated(Require(gate).Options), gate)
    {
    }

    private DynamicRouter(DynamicRouterOptions valid, GateWeights? gate)
    {
        _options = valid;
        MaxExperts = valid.MaxExperts!.Value;
        _fused = DynamicRouterChoices.Fused(valid);
        Estimator = _fused is not null ? null : valid.ComplexityEstimator.Instance
            ?? BuiltInEstimators.Create(valid.ComplexityEstimator.Name, valid.EstimatorOptions ?? new EstimatorOptions());
        _usage = new UsageTracker(valid.NumExperts);
        _usable = valid.ServiceOf?._usable ?? new UsableExperts(valid.NumExperts);
        (_balancer, _weights) = Balancers(valid);
        Arbiter = valid.Arbiter ?? DynamicRouterChoices.Arbiter(valid);
        Controller = Arbiter is null ? null : new ThresholdController(new ThresholdControllerOptions
        {
            Budget = Arbiter.LayerBudget(valid.ArbiterLayer), MinExperts = valid.MinExperts, MaxExperts = MaxExperts, InitialTau = valid.Tau,
        });
        _ownsGate = gate is null;
        Gate = gate ?? GateWeights.CreateRandom(DynamicRouterChoices.Gate(valid), valid.Seed);
        try
        {
            if (valid.Calibration is { } calibration)
            {
                _calibrated = Calibrated(calibration);
                Controller?.Restore(calibration.Start(Controller.Budget, MinExperts, MaxExperts));
            }

            Arbiter?.Attach(valid.ArbiterLayer, Controller!);
        }
        catch when (_ownsGate)
        {
            Gate.Dispose();
            throw;
        }

        DynamicRouterChoices.Log(valid, gate);
    }

    /// <inheritdoc/>
    public int InputDim => _options.InputDim;

    /// <inheritdoc/>
    public int NumExperts => _options.NumExperts;

    /// <inheritdoc/>
    public int MinExperts => _options.MinExperts;

    /// <inheritdoc/>
    public int MaxExperts { get; }

    /// <inheritdoc/>
    public int TrainedExperts => Gate.TrainedExperts;

    /// <inheritdoc/>
    public RoutingStrategy Strategy => _options.Strategy;

    /// <inheritdoc/>
    public Weighting Weighting => _options.Weighting;

    /// <inheritdoc/>
    public string EstimatorName => _fused switch
    {
        ScoreSource.RouterMargin => ComplexityEstimators.RouterMargin,
        ScoreSource.RouterEntropy => ComplexityEstimators.RouterEntropy,
        _ => Estimator!.Name,
    };

    /// <inheritdoc/>
    public float Tau => Strategy == RoutingStrategy.Threshold ? Controller?.Tau ?? _options.Tau : 0;

    /// <summary>The estimator that runs before each routing call, or null when the score is computed inside it.</summary>
    public ComplexityEstimator? Estimator { get; }

    /// <summary>Decides the mean experts per token, once per batch; null without MeanExpertsBudget and Arbiter in the options.</summary>
    public BudgetArbiter? Arbiter { get; }

    /// <summary>Holds the mean experts per token that the arbiter gave this layer, or null without an arbiter.</summary>
    public ThresholdController? Controller { get; }

    /// <summary>The gate weights.</summary>
    public GateWeights Gate { get; }

    /// <summary>Whether it begins the batches of its arbiter: a router without one is a first layer, too.</summary>
    internal bool IsFirstLayer => _options.ArbiterLayer == 0;

    /// <summary>Added to the count of experts before rounding, under the top-k strategy.</summary>
    private protected virtual float CountOffset => 0;

    /// <inheritdoc/>
    public bool CanLimit => true;

    /// <inheritdoc/>
    public RoutingReport Route(ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null) =>
        RouteRows(hidden, tokens, buffers, context, null);

    /// <inheritdoc/>
    public RoutingReport RouteWithin(
        CapacityLimit capacity, ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null)
    {
        capacity.RequireValid();
        return RouteRows(hidden, tokens, buffers, context, capacity);
    }

    /// <inheritdoc/>
    public RoutingResult Route(in ReadOnlyTensorSpan<float> hidden, bool returnRouterLogits = false, RoutingContext? context = null)
    {
        ReadOnlySpan<float> rows = Shapes.Rows(in hidden, InputDim, nameof(hidden), out int tokens);
        RoutingBuffers buffers = RoutingBuffers.For(this, tokens, returnRouterLogits);
        float tau = Tau;
        RoutingReport report = Route(rows, tokens, buffers, context);
        return RoutingResult.From(buffers, hidden.Lengths, this, report, tau, HasBatchWideRule(context));
    }

    /// <inheritdoc/>
    public bool HasBatchWideRule(RoutingContext? context = null) => (context?.MaxDistinctExperts ?? _options.MaxDistinctExperts) is not null;

    /// <inheritdoc/>
    public ExpertUsageStats GetExpertUsageStats() => _usage.Snapshot();

    /// <summary>Frees its layer of an arbiter, and a gate that the router made for itself once no call uses it. A second call does nothing.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees its layer of an arbiter, and a gate that the router made for itself.</summary>
    /// <param name="disposing">Whether <see cref="Dispose()"/> calls it.</param>
    protected virtual void Dispose(bool disposing)
    {
        _disposed = true;
        if (disposing)
        {
            if (Controller is { } controller)
            {
                Arbiter!.Release(controller);
            }

            if (_ownsGate)
            {
                Gate.Dispose();
            }
        }
    }

    internal void ThrowIfDisposed()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Gate.ThrowIfDisposed();
    }

    /// <summary>Makes the decisions' parameters from the state before the batch. Changes no state.</summary>
    internal RouteParams Prepare(ReadOnlySpan<float> hidden, int tokens, RoutingContext? context, RouteScratch scratch)
    {
        if (_options.ArbiterLayer == 0)
        {
            // The first of the layers that share a budget begins the batch: the others run under what it was decided then.
            Arbiter?.BeginBatch();
        }

        var parameters = new RouteParams
        {
            Strategy = Strategy,
            Weighting = Weighting,
            MinExperts = MinExperts,
            MaxExperts = MaxExperts,
            CountOffset = CountOffset,
            Tau = Tau,
            TopP = _options.TopP,
            NoiseFactor = _options.NoiseFactor,
            NoiseSeed = _options.Seed,
            MaxDistinct = _options.MaxDistinctExperts ?? 0,
            SelectionBias = Bias(scratch),
        };
        if (context is not null)
        {
            ContextRules.Apply(context, tokens, NumExperts, ref parameters);
            if (!context.Quality.IsEmpty)
            {
                QualityRows.Check(context, tokens, Controller is not null);
                parameters.TokenTaus = QualityRows.Taus(this, _options.ArbiterLayer, context.Quality.Span, parameters.Tau, scratch.Taus(tokens));
            }
        }

        parameters.ExpertMask = _usable.And(parameters.ExpertMask, scratch);
        AddScores(hidden, tokens, context, scratch, ref parameters);
        return parameters;
    }

    /// <summary>Learns from a batch that was routed.</summary>
    internal void Commit(in RouteParams parameters, RouteScratch scratch, int tokens, RoutingBuffers buffers, RoutingContext? context)
    {
        _usage.Record(buffers.ExpertRoutes);
        if (_frozen)
        {
            return;
        }

        _balancer?.Update(buffers.ExpertRoutes, parameters.ExpertMask);
        _weights?.Update(buffers.ExpertRoutes, parameters.ExpertMask);
        if (scratch.Estimated)
        {
            Estimator!.Observe(scratch.Raw(tokens), context);
        }

        Controller?.Observe(
            buffers.Gaps.AsSpan(0, tokens * buffers.Slots), tokens, buffers.Slots, QualityRows.CountsForTheMean(scratch, tokens, buffers, context));
    }

    private static T Require<T>(T value, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(value))] string? name = null)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(value, name);
        return value;
    }

    private RoutingReport RouteRows(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity, bool fixedCount = false)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        ThrowIfDisposed();
        Shapes.RequireRows(hidden.Length, tokens, InputDim, nameof(hidden));
        buffers.RequireFit(this, tokens);
        RouteScratch scratch = _scratch.Rent();
        scratch.Known = KnownRows.Take(ref context, Gate, tokens);
        try
        {
            RouteParams parameters = fixedCount ? PrepareStatic(tokens, context, scratch) : Prepare(hidden, tokens, context, scratch);

            // Rules on the batch come after the routes, read the logits and may fail: the caller's buffers get what is left of both.
            bool limited = capacity is not null || parameters.MaxDistinct > 0;
            RoutingBuffers routes = limited ? scratch.Routing(this, tokens, withLogits: true) : buffers;
            RoutingReport report = Decide(hidden, tokens, in parameters, scratch.Known, routes);
            if (limited)
            {
                report = RouterCalls.Limit(Gate.Handle, tokens, in parameters, capacity, routes);
            }

            Learn(fixedCount, in parameters, scratch, tokens, routes, context);
            if (!ReferenceEquals(routes, buffers))
            {
                routes.CopyTo(buffers, tokens);
            }

            return report;
        }
        finally
        {
            scratch.Known = null;
            _scratch.Return(scratch);
        }
    }

    /// <summary>The native decisions, from the hidden states or from logits that are known: the same bits either way.</summary>
    private RoutingReport Decide(ReadOnlySpan<float> hidden, int tokens, in RouteParams parameters, KnownRows? known, RoutingBuffers routes) =>
        known is null
            ? RouterCalls.Route(Gate.Handle, hidden, tokens, InputDim, in parameters, routes)
            : RouterCalls.Select(Gate.Handle, known.Logits, tokens, NumExperts, in parameters, routes);
}
