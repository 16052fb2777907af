namespace DynamicMoE;

/// <summary>Options of <see cref="MoELayer"/>. Checked when the layer is built; later changes have no effect on it.</summary>
public class MoELayerOptions
{
    /// <summary>Tokens per chunk; sizes the workspaces. Larger batches run in chunks.</summary>
    /// <value>Between 1 and 1048576. The default is 512.</value>
    public int MaxTokens { get; set; } = 512;

    /// <summary>Most threads that one call uses.</summary>
    /// <value>Between 0 and 1024. The default is 0: as many as the native pool has.</value>
    public int Threads { get; set; }

    /// <summary>Where the layer computes. A device gets a copy of gate and experts; those in host memory stay.</summary>
    /// <value>The default is <see cref="ComputeDevice.Cpu"/>. <see cref="ComputeDevice.Auto"/> takes the best CUDA device that the layer fits on, and the
    /// processor where there is none or where it fails. Native experts only; at most 512 of them. <see cref="MoELayer.Device"/> says what was taken.</value>
    public ComputeDevice Device { get; set; }

    /// <summary>An open device that takes the place of <see cref="Device"/>; not owned, the layer keeps what it needs of it.</summary>
    /// <value>The default is null: layers that name the same device share one.</value>
    public CudaDevice? CudaDevice { get; set; }

    /// <summary>Whether the processor takes the place of a device that is not usable, too small, or fails in a call; the call is then run again there.</summary>
    /// <value>The default is false: a typed exception. With <see cref="ComputeDevice.Auto"/> it always does.</value>
    public bool FallBackToCpu { get; set; }

    /// <summary>Routes per expert above which a batch counts as overflowing: ceil(factor * routes / experts). Only reported here;
    /// <see cref="SparseMoELayer"/> acts on its own CapacityFactor.</summary>
    /// <value>Finite and above 0. The default is 1.25.</value>
    public float ExpertCapacityFactor { get; set; } = 1.25f;

    /// <summary>Share of output elements set to 0 in training, the others scaled up; off in inference.</summary>
    /// <value>At least 0, below 1. The default is 0.</value>
    public float DropoutRate { get; set; }

    /// <summary>Seed of dropout, and of experts that the layer makes.</summary>
    /// <value>The default is 0.</value>
    public ulong Seed { get; set; }

    /// <summary>Whether experts that the layer makes have biases.</summary>
    /// <value>The default is true. It does not concern experts that are handed in.</value>
    public bool UseBias { get; set; } = true;

    /// <summary>Experts that every token uses with weight 1 (see <see cref="SharedExpertGate"/>); native experts only.</summary>
    /// <value>The default is null: none. The layer keeps the weights alive.</value>
    public ExpertBank? SharedExperts { get; set; }

    /// <summary>Gate of the shared experts, <c>[hidden]</c>: their weight is sigmoid(dot) instead of 1.</summary>
    /// <value>Finite. The default is null: weight 1.</value>
    public float[]? SharedExpertGate { get; set; }

    /// <summary>What happens to an expert that throws or returns a value that is not finite.</summary>
    /// <value>The default is <see cref="ExpertFaultPolicy.Fail"/>. <see cref="ExpertFaultPolicy.Disable"/> needs a
    /// <see cref="DynamicRouter"/>, alone or inside wrappers.</value>
    public ExpertFaultPolicy ExpertFaults { get; set; }

    /// <summary>Watches the layer's drift from the trained number of experts; not owned. Managed experts are then called by its worker too.</summary>
    /// <value>The default is null: none. It needs a <see cref="DynamicRouter"/>, alone or inside wrappers, and no capacity limit.</value>
    public ShadowGuardrail? Guardrail { get; set; }

    /// <summary>The layer's name in the guardrail's messages and metrics; the names of a process form a bounded set.</summary>
    /// <value>The default is null: no name.</value>
    public string? GuardrailName { get; set; }

    /// <summary>Gets the time of each forward call of the layer that succeeds, and lowers the budget while their 95th percentile is above its target; not
    /// owned. Time spent in normalisation, residual and dropout is left out. For a model of several layers feed it once per pass instead.</summary>
    /// <value>The default is null: none.</value>
    public LatencyController? Latency { get; set; }

    internal MoELayerOptions Validated(IRouter router)
    {
        Rules(router).ThrowIfBroken();
        var copy = (MoELayerOptions)MemberwiseClone();
        copy.SharedExpertGate = (float[]?)SharedExpertGate?.Clone();
        return copy;
    }

    private protected virtual OptionRules Rules(IRouter router)
    {
        OptionRules rules = new OptionRules(GetType().Name)
            .Range(nameof(MaxTokens), MaxTokens, 1, Limits.MaxTokens)
            .Range(nameof(Threads), Threads, 0, Limits.MaxThreads)
            .Positive(nameof(ExpertCapacityFactor), ExpertCapacityFactor)
            .Require(DropoutRate is >= 0 and < 1, $"DropoutRate ({DropoutRate}) must be at least 0 and below 1.")
            .Defined(nameof(ExpertFaults), ExpertFaults);
        if (SharedExperts is not null)
        {
            rules = rules.Require(
                SharedExperts.Hidden == router.InputDim, $"SharedExperts have hidden size {SharedExperts.Hidden}, the router has {router.InputDim}.");
        }

        if (SharedExpertGate is not null)
        {
            rules = rules
                .Require(SharedExperts is not null, $"SharedExpertGate needs SharedExperts.")
                .Require(SharedExpertGate.Length == router.InputDim, $"SharedExpertGate has {SharedExpertGate.Length} elements, the router has hidden size {router.InputDim}.")
                .Require(Array.TrueForAll(SharedExpertGate, float.IsFinite), $"SharedExpertGate must be finite.");
        }

        return rules;
    }
}
