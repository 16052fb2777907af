using System.Numerics.Tensors;
using System.Text.Json;

namespace DynamicMoE;

/// <summary>
/// Counts operations and bytes of routing and layers by formula from the plan that a batch got, and holds its time against the machine's limits.
/// The calls that it times are calls like any other: routers learn from them. Many threads may use a profiler at once; the times are then theirs together.
/// </summary>
public sealed class FlopProfiler
{
    private readonly FlopProfilerOptions _options;
    private readonly Lock _gate = new();
    private readonly List<FlopProfile> _profiles = [];

    /// <summary>Makes a profiler.</summary>
    /// <param name="options">Options; null for the defaults. Later changes to it have no effect.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    public FlopProfiler(FlopProfilerOptions? options = null) => _options = (options ?? new FlopProfilerOptions()).Validated();

    /// <summary>What was profiled so far, in order.</summary>
    public IReadOnlyList<FlopProfile> Profiles
    {
        get
        {
            lock (_gate)
            {
                return [.. _profiles];
            }
        }
    }

    /// <summary>Profiles routing alone.</summary>
    /// <param name="router">A <see cref="DynamicRouter"/>, or any number of wrappers around one. Wrappers are timed, and counted as the router inside:
    /// what a cache saves shows in the time, not in the operations.</param>
    /// <param name="hidden">Hidden states, <c>[batch, sequence, InputDim]</c> or <c>[tokens, InputDim]</c>, dense row-major, finite.</param>
    /// <param name="context">What the host model knows beside the hidden states, or null.</param>
    /// <param name="name">Name of the profile.</param>
    /// <returns>The profile, which <see cref="Profiles"/> holds too.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> or <paramref name="name"/> is null.</exception>
    /// <exception cref="ProfilingException">The router is of another kind, or its estimator is not built in: names what cannot be counted. Nothing was run.</exception>
    /// <exception cref="RoutingValidationException">A shape does not fit, the view is not dense, the batch is empty, or a value is not finite.</exception>
    /// <exception cref="ComplexityEstimationException">The estimator failed.</exception>
    /// <exception cref="LoadBalancingException">Fewer usable experts are left than MinExperts.</exception>
    /// <exception cref="ObjectDisposedException">The router or its gate is disposed.</exception>
    public FlopProfile ProfileRouting(
        IRouter router, in ReadOnlyTensorSpan<float> hidden, RoutingContext? context = null, string name = FlopProfile.Routing)
    {
        ArgumentNullException.ThrowIfNull(name);
        DynamicRouter counted = CountedLayer.RouterOf(router, context);
        ReadOnlySpan<float> rows = Shapes.Rows(in hidden, router.InputDim, nameof(hidden), out int tokens);
        RoutingBuffers plan = RoutingBuffers.For(router, tokens, withLogits: false);
        ProfileTiming timing = Time(router, null, rows, tokens, plan, [], context, out RoutingReport report);
        List<ComponentCost> costs = LayerCosts.Routing(counted, tokens, report.Routes, context);
        return Keep(new FlopProfile
        {
            Name = name,
            Kind = FlopProfile.Routing,
            Tokens = tokens,
            Routes = report.Routes,
            DistinctExperts = report.DistinctExperts,
            Components = costs,
            Experts = [],
            ProductFlops = costs.Sum(cost => cost.ProductFlops),
            OtherFlops = costs.Sum(cost => cost.OtherFlops),
            WeightBytes = costs.Sum(cost => cost.WeightBytes),
            StaticProductFlops = null,
            FlopsSaving = null,
            Timing = timing,
            Limit = Limit(costs, GateCosts.KeptBytes(counted), timing),
        });
    }

    /// <summary>Profiles a whole layer.</summary>
    /// <param name="layer">A layer of native experts over a router that <see cref="ProfileRouting"/> takes.</param>
    /// <param name="hidden">Hidden states, <c>[batch, sequence, InputDim]</c> or <c>[tokens, InputDim]</c>, dense row-major, finite.</param>
    /// <param name="context">What the host model knows beside the hidden states, or null.</param>
    /// <param name="name">Name of the profile.</param>
    /// <returns>The profile, which <see cref="Profiles"/> holds too. The shadow runs of a guardrail are not part of it.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="layer"/> or <paramref name="name"/> is null.</exception>
    /// <exception cref="ProfilingException">The layer runs managed experts, drops elements in training, or its router cannot be counted: names what cannot
    /// be. Nothing was run.</exception>
    /// <exception cref="RoutingValidationException">A shape does not fit, the view is not dense, the batch is empty, or a value is not finite.</exception>
    /// <exception cref="ComplexityEstimationException">The estimator failed.</exception>
    /// <exception cref="LoadBalancingException">Fewer usable experts are left than MinExperts.</exception>
    /// <exception cref="ExpertDispatchException">An expert's output overflowed.</exception>
    /// <exception cref="DynamicMoEMemoryException">Working memory could not be had.</exception>
    /// <exception cref="ObjectDisposedException">The layer or its router is disposed.</exception>
    public FlopProfile ProfileLayer(
        MoELayer layer, in ReadOnlyTensorSpan<float> hidden, RoutingContext? context = null, string name = FlopProfile.Layer)
    {
        ArgumentNullException.ThrowIfNull(name);
        CountedLayer counted = CountedLayer.Of(layer, context);
        ReadOnlySpan<float> rows = Shapes.Rows(in hidden, layer.Router.InputDim, nameof(hidden), out int tokens);
        RoutingBuffers plan = RoutingBuffers.For(layer.Router, tokens, withLogits: false);
        var output = new float[rows.Length];
        ProfileTiming timing = Time(layer.Router, layer, rows, tokens, plan, output, context, out RoutingReport report);
        List<ComponentCost> costs = LayerCosts.Layer(counted, tokens, report, plan, context);
        long products = costs.Sum(cost => cost.ProductFlops), fixedProducts = counted.StaticProducts(tokens, costs);
        return Keep(new FlopProfile
        {
            Name = name,
            Kind = FlopProfile.Layer,
            Tokens = tokens,
            Routes = report.Routes,
            DistinctExperts = report.DistinctExperts,
            Components = costs,
            Experts = ExpertCosts.ById(counted.Experts, plan.ExpertRoutes),
            ProductFlops = products,
            OtherFlops = costs.Sum(cost => cost.OtherFlops),
            WeightBytes = costs.Sum(cost => cost.WeightBytes),
            StaticProductFlops = fixedProducts,
            FlopsSaving = 1 - ((double)products / fixedProducts),
            Timing = timing,
            Limit = Limit(costs, counted.KeptBytes, timing),
        });
    }

    /// <summary>Adds up what was profiled.</summary>
    /// <returns>The sums; of layers where there are any, else of routing alone.</returns>
    /// <exception cref="ProfilingException">Nothing was profiled yet.</exception>
    public FlopSummary GetSummary() => FlopSummary.Of(RequireProfiles());

    /// <summary>Writes what was profiled as a page. With a renderer in the options its charts are written to the folder there.</summary>
    /// <returns>Markdown.</returns>
    /// <exception cref="ProfilingException">Nothing was profiled yet.</exception>
    /// <exception cref="IOException">A chart cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public string GenerateReport()
    {
        IReadOnlyList<FlopProfile> profiles = RequireProfiles();
        IReadOnlyList<string> files = _options.Charts is { } renderer
            ? ChartFiles.Write(FlopCharts.Of(profiles), renderer, _options.OutputDirectory) : [];
        return new FlopReport(profiles, files).Text();
    }

    /// <summary>The charts of <see cref="GenerateReport"/> as data.</summary>
    /// <returns>Operations by part of the work, and routes of each expert.</returns>
    /// <exception cref="ProfilingException">Nothing was profiled yet.</exception>
    public IReadOnlyList<Chart> GetCharts() => FlopCharts.Of(RequireProfiles());

    /// <summary>Writes summary and profiles as JSON, names in snake_case.</summary>
    /// <returns>{summary, profiles}.</returns>
    /// <exception cref="ProfilingException">Nothing was profiled yet.</exception>
    public string ToJson()
    {
        IReadOnlyList<FlopProfile> profiles = RequireProfiles();
        return JsonSerializer.Serialize(new FlopProfileDocument(FlopSummary.Of(profiles), profiles), ReportJson.Default.FlopProfileDocument);
    }

    /// <summary>Forgets what was profiled.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _profiles.Clear();
        }
    }

    private IReadOnlyList<FlopProfile> RequireProfiles() =>
        Profiles is { Count: > 0 } profiles ? profiles : throw new ProfilingException("Nothing was profiled yet.");

    private FlopProfile Keep(FlopProfile profile)
    {
        lock (_gate)
        {
            _profiles.Add(profile);
        }

        return profile;
    }

    private LimitShare? Limit(List<ComponentCost> costs, long keptBytes, ProfileTiming timing)
    {
        if (_options.Limits is not { } limits)
        {
            return null;
        }

        var work = new LimitedWork();
        work.Add(costs);
        return LimitShare.Of(limits, work, _options.FitsCache(keptBytes), timing.MedianSeconds);
    }

    private ProfileTiming Time(
        IRouter router,
        MoELayer? layer,
        ReadOnlySpan<float> rows,
        int tokens,
        RoutingBuffers plan,
        float[] output,
        RoutingContext? context,
        out RoutingReport report)
    {
        var seconds = new double[_options.Repetitions];
        TimeProvider clock = _options.TimeProvider;
        report = default;
        for (int run = -_options.WarmupRuns; run < seconds.Length; run++)
        {
            long begin = clock.GetTimestamp();
            report = layer is null ? router.Route(rows, tokens, plan, context) : layer.Forward(rows, tokens, output, plan, context);
            double taken = clock.Seconds(begin, clock.GetTimestamp());
            if (run >= 0)
            {
                seconds[run] = taken;
            }
        }

        return ProfileTiming.Of(seconds);
    }
}

/// <summary>What <see cref="FlopProfiler.ToJson"/> writes.</summary>
internal sealed record FlopProfileDocument(FlopSummary Summary, IReadOnlyList<FlopProfile> Profiles);
