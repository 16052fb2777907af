using System.Diagnostics.CodeAnalysis;

namespace DynamicMoE.Models;

/// <summary>One MoE layer of a checkpoint: gate, routed and shared experts, and the router that is in force, static or dynamic.</summary>
public sealed class MoEBlock : IDisposable
{
    private readonly ModelLoadOptions _options;
    private readonly float[]? _selectionBias;
    private readonly float[]? _sharedGate;
    private readonly RoutedLayer _static;
    private readonly RoutedLayer _reference;
    private RoutedLayer? _dynamic;

    private MoEBlock(WeightLoader loader, int layer, Parts parts)
    {
        _options = loader.Options;
        Layer = layer;
        Config = loader.Checkpoint.Config.Experts;
        GateTensor = loader.Checkpoint.Config.Family.Gate(layer);
        Gate = parts.Gate!;
        Experts = parts.Experts!;
        SharedExperts = parts.Shared;
        _sharedGate = parts.SharedGate;
        _selectionBias = parts.SelectionBias;
        _static = Build(TrainedRule(), faults: _options.ExpertFaults);
        try
        {
            // What runs beside production takes no expert out of it.
            _reference = _options.ExpertFaults == ExpertFaultPolicy.Fail ? _static : Build(TrainedRule());
        }
        catch
        {
            _static.Dispose();
            throw;
        }
    }

    /// <summary>Index of the decoder layer.</summary>
    public int Layer { get; }

    /// <summary>Name of the gate's tensor.</summary>
    public string GateTensor { get; }

    /// <summary>Shape and gating conventions.</summary>
    public ExpertsConfig Config { get; }

    /// <summary>The gate; owned by the block.</summary>
    public GateWeights Gate { get; }

    /// <summary>The routed experts; owned by the block.</summary>
    public ExpertBank Experts { get; }

    /// <summary>The shared experts as one, or null; owned by the block.</summary>
    public ExpertBank? SharedExperts { get; }

    /// <summary>The router in force; owned by the block and replaced when routing is switched. Experts that are out of service stay so then.</summary>
    public DynamicRouter Router => Active.Router;

    /// <summary>The router of the checkpoint's own rule.</summary>
    internal DynamicRouter TrainedRouter => _static.Router;

    /// <summary>Whether routing is dynamic. The static rule is exactly the checkpoint's.</summary>
    public bool IsDynamic => _dynamic is not null;

    /// <summary>Floating-point operations that every token costs: gate, shared experts and their gate; two per weight.</summary>
    public long FlopsPerToken =>
        (2L * Gate.InputDim * Gate.NumExperts) + (SharedExperts?.FlopsPerToken ?? 0) + (_sharedGate is null ? 0 : 2L * Gate.InputDim);

    /// <summary>Floating-point operations of one expert on one token; two per weight.</summary>
    public long FlopsPerRoute => Experts.FlopsPerToken;

    /// <summary>Where the block computes now.</summary>
    public ComputeDevice Device => Active.Layer.Device;

    /// <summary>Why it computes there; one sentence.</summary>
    public string DeviceReason => Active.Layer.DeviceReason;

    /// <summary>Whether the processor has taken the place of a device: one that the options name, or one that failed.</summary>
    public bool HasLeftDevice => Active.Layer.HasLeftDevice;

    /// <summary>Asks the device that the block computes on whether it answers; does nothing on the processor.</summary>
    /// <exception cref="BackendException">The device has failed; what it says.</exception>
    /// <exception cref="ObjectDisposedException">The block is disposed.</exception>
    public void CheckDevice() => Active.Layer.CheckDevice();

    private RoutedLayer Active => _dynamic ?? _static;

    /// <summary>Loads one MoE layer. Works for every family, those included whose attention the decoder does not run.</summary>
    /// <param name="checkpoint">An open checkpoint; it may be disposed afterwards.</param>
    /// <param name="layer">Index of the decoder layer.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <returns>The layer; dispose it when it is no longer used.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="checkpoint"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer, or it has no experts.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="CheckpointFormatException">A tensor is missing, or has a wrong shape, type or value; names it.</exception>
    /// <exception cref="DynamicMoEMemoryException">The weights do not fit into memory.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public static MoEBlock Load(Checkpoint checkpoint, int layer, ModelLoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, checkpoint.Config.LayerCount);
        if (!checkpoint.Config.MoELayers[layer])
        {
            throw new ArgumentOutOfRangeException(nameof(layer), layer, "The layer has no experts.");
        }

        ModelLoadOptions valid = (options ?? new ModelLoadOptions()).Validated();
        valid.Verify(checkpoint);
        CheckpointLayout.CheckBlock(checkpoint, layer);
        return LoadFrom(new WeightLoader(checkpoint, valid), layer);
    }

    /// <summary>Runs routing and experts on a batch. Allocates nothing after warm-up.</summary>
    /// <param name="hidden">Normed hidden states, <c>[tokens, hidden]</c>, row-major, finite.</param>
    /// <param name="tokens">Rows, at least 1.</param>
    /// <param name="output">[out] <c>[tokens, hidden]</c>: routed and shared experts together; must not overlap <paramref name="hidden"/>.</param>
    /// <param name="routing">[out] The routing decisions; null when they are not wanted.</param>
    /// <param name="context">What is known beside the hidden states, or null.</param>
    /// <returns>Figures of the batch.</returns>
    /// <exception cref="RoutingValidationException">A length does not fit, or a value is not finite.</exception>
    /// <exception cref="LoadBalancingException">The context's cap on distinct experts, or the number of those in service, is below MinExperts.</exception>
    /// <exception cref="ExpertDispatchException">Finite input gave a non-finite output; the output is undefined.</exception>
    /// <exception cref="ObjectDisposedException">The block is disposed.</exception>
    public RoutingReport Forward(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers? routing = null, RoutingContext? context = null) =>
        Active.Layer.Forward(hidden, tokens, output, routing, context);

    /// <summary>Makes a layer of this block's experts and a router of the caller's, such as <see cref="Router"/> with a cache or monitoring around it.</summary>
    /// <param name="router">The router; of this block's gate.</param>
    /// <returns>The layer; dispose it before the block. It does not own the router, and takes no expert out of service, whatever its input makes of them.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">The router is for another hidden size or number of experts.</exception>
    public MoELayer CreateLayer(IRouter router) => new(router, Experts, LayerOptions());

    /// <summary>Runs the experts on given routes; no router is asked, none learns, and no expert is taken out of service.</summary>
    internal RoutingReport Execute(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routes) =>
        _reference.Layer.Execute(hidden, tokens, routes, output);

    /// <summary>Runs the block by the checkpoint's own rule, whatever is in force; no expert is taken out of service.</summary>
    internal RoutingReport ForwardAsTrained(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing) =>
        _reference.Layer.Forward(hidden, tokens, output, routing);

    /// <summary>Frees weights and workspaces. A second call does nothing.</summary>
    public void Dispose()
    {
        _dynamic?.Dispose();
        _reference.Dispose();
        _static.Dispose();
        SharedExperts?.Dispose();
        Experts.Dispose();
        Gate.Dispose();
    }

    internal static MoEBlock LoadFrom(WeightLoader loader, int layer)
    {
        var parts = new Parts();
        try
        {
            parts.Load(loader, layer);
            return new MoEBlock(loader, layer, parts);
        }
        catch
        {
            parts.Dispose();
            throw;
        }
    }

    /// <summary>Makes a router and a layer over this block's weights; <see cref="Use"/> puts them in force.</summary>
    /// <param name="options">Of the router.</param>
    /// <param name="guardrail">Watches the layer, or null.</param>
    /// <param name="faults">What happens to an expert that fails.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The router goes into the returned pair.")]
    internal RoutedLayer Build(DynamicRouterOptions options, ShadowGuardrail? guardrail = null, ExpertFaultPolicy faults = ExpertFaultPolicy.Fail)
    {
        options.ServiceOf = _static?.Router;
        options.SelectionBias = _selectionBias;
        options.LoadBalancing = false;
        options.Logger = _options.Logger;
        var router = new DynamicRouter(Gate, options);
        try
        {
            MoELayerOptions layer = LayerOptions();
            layer.Guardrail = guardrail;
            layer.GuardrailName = $"layer.{Layer}";
            layer.ExpertFaults = faults;
            return new RoutedLayer(router, new MoELayer(router, Experts, layer));
        }
        catch
        {
            router.Dispose();
            throw;
        }
    }

    private MoELayerOptions LayerOptions() => new()
    {
        MaxTokens = _options.MaxTokens,
        Threads = _options.Threads,
        SharedExperts = SharedExperts,
        SharedExpertGate = _sharedGate,
        Device = _options.Device,
        FallBackToCpu = _options.FallBackToCpu,
    };

    private DynamicRouterOptions TrainedRule() => new()
    {
        MinExperts = Config.PerToken,
        MaxExperts = Config.PerToken,
        Weighting = Config.Weighting,
        ComplexityEstimator = ComplexityEstimators.RouterMargin,
    };

    /// <summary>Puts dynamic routing in force, or with null the checkpoint's own; what was in force before is freed.</summary>
    internal void Use(RoutedLayer? dynamic)
    {
        RoutedLayer? before = _dynamic;
        _dynamic = dynamic;
        before?.Dispose();
    }

    /// <summary>What is loaded so far; freed when loading fails.</summary>
    private sealed class Parts : IDisposable
    {
        public GateWeights? Gate { get; private set; }

        public ExpertBank? Experts { get; private set; }

        public ExpertBank? Shared { get; private set; }

        public float[]? SharedGate { get; private set; }

        public float[]? SelectionBias { get; private set; }

        public void Load(WeightLoader loader, int layer)
        {
            ModelConfig model = loader.Checkpoint.Config;
            ExpertsConfig config = model.Experts;
            ModelLoadOptions options = loader.Options;
            Gate = GateWeights.Create(loader.Floats(model.Family.Gate(layer), config.Count, model.HiddenSize), default, new GateOptions
            {
                InputDim = model.HiddenSize,
                NumExperts = config.Count,
                Gate = config.Gate,
                TrainedExperts = config.PerToken,
                Groups = config.Groups,
                TopGroups = config.TopGroups,
                GroupScore = config.GroupScore,
                RoutedScale = config.RoutedScale,
                MaxTokens = options.MaxTokens,
                Threads = options.Threads,
                Isa = options.Isa,
            });
            Experts = ExpertBanks.Routed(loader, layer);
            Shared = ExpertBanks.Shared(loader, layer);
            SharedGate = config.HasSharedGate ? loader.Floats(ModelFamily.SharedGate(layer), 1, model.HiddenSize) : null;
            SelectionBias = config.HasSelectionBias ? loader.Vector(ModelFamily.SelectionBias(layer), config.Count) : null;
        }

        public void Dispose()
        {
            Shared?.Dispose();
            Experts?.Dispose();
            Gate?.Dispose();
        }
    }
}
