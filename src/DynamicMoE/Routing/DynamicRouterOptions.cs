using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <summary>Options of <see cref="DynamicRouter"/>. Checked when the router is built; later changes have no effect on it.</summary>
public class DynamicRouterOptions
{
    /// <summary>Hidden size.</summary>
    /// <value>Between 1 and 1048576. 0, the default, takes it from the gate weights; a router with its own gate needs it.</value>
    public int InputDim { get; set; }

    /// <summary>Number of experts.</summary>
    /// <value>Between 1 and 4096. 0, the default, takes it from the gate weights; a router with its own gate needs it.</value>
    public int NumExperts { get; set; }

    /// <summary>Fewest experts per token.</summary>
    /// <value>Between 1 and <see cref="MaxExperts"/>. The default is 1.</value>
    public int MinExperts { get; set; } = 1;

    /// <summary>Most experts per token.</summary>
    /// <value>Between <see cref="MinExperts"/> and <see cref="NumExperts"/>. The default, null, is <see cref="NumExperts"/>, or the trained count over given gate weights.</value>
    public int? MaxExperts { get; set; }

    /// <summary>Complexity estimator by name (see <see cref="ComplexityEstimators"/>) or by instance.</summary>
    /// <value>The default is <c>gradient_norm</c>. Strategies without a score run it only when it was set.</value>
    public EstimatorChoice ComplexityEstimator { get; set; }

    /// <summary>Options of an estimator that is chosen by name.</summary>
    /// <value>The default is null: the estimator's defaults.</value>
    public EstimatorOptions? EstimatorOptions { get; set; }

    /// <summary>When the selection of experts for a token stops.</summary>
    /// <value>The default is <see cref="RoutingStrategy.TopK"/>.</value>
    public RoutingStrategy Strategy { get; set; }

    /// <summary>How probabilities of the selected experts become weights.</summary>
    /// <value>The default is <see cref="Weighting.Renormalize"/>.</value>
    public Weighting Weighting { get; set; }

    /// <summary>Whether the load of experts is balanced between batches, as <see cref="BalancingMode"/> says. Usage is counted in any case.</summary>
    /// <value>The default, null, is true for a router with its own gate and false over given gate weights.</value>
    public bool? LoadBalancing { get; set; }

    /// <summary>How load balancing acts.</summary>
    /// <value>The default is <see cref="LoadBalancingMode.SelectionBias"/>.</value>
    public LoadBalancingMode BalancingMode { get; set; }

    /// <summary>Selection bias: change of an expert's bias per batch, in units of probability.</summary>
    /// <value>Above 0, at most 1. The default is 0.001.</value>
    public float BalanceStep { get; set; } = 0.001f;

    /// <summary>Selection bias: the largest absolute bias that load balancing builds up, in units of probability.</summary>
    /// <value>Between 0 and 1. The default is 0.05.</value>
    public float BalanceBound { get; set; } = 0.05f;

    /// <summary>Weight penalty: share of its weight that an overused expert loses.</summary>
    /// <value>Above 0, at most 0.5. The default is 0.1.</value>
    public float WeightPenalty { get; set; } = 0.1f;

    /// <summary>Factor on the noise that is added to logits; 0 in inference.</summary>
    /// <value>Between 0 and 1. The default is 0.</value>
    public float NoiseFactor { get; set; }

    /// <summary>Key of the noise, and seed of a router's own random gate.</summary>
    /// <value>The default is 0.</value>
    public ulong Seed { get; set; }

    /// <summary>Threshold strategy: an expert is kept while its probability is at least tau times that of the first choice.</summary>
    /// <value>Between 0 and 1. The default is 0.3. With <see cref="MeanExpertsBudget"/> it is the value before the first batch.</value>
    public float Tau { get; set; } = 0.3f;

    /// <summary>Top-p strategy: share of probability that the taken experts hold.</summary>
    /// <value>Above 0, at most 1. The default is 0.9.</value>
    public float TopP { get; set; } = 0.9f;

    /// <summary>Mean experts per token that the threshold is moved to hold, batch after batch.</summary>
    /// <value>Between <see cref="MinExperts"/> and <see cref="MaxExperts"/>, threshold strategy only. The default, null, keeps <see cref="Tau"/>.</value>
    public double? MeanExpertsBudget { get; set; }

    /// <summary>Name of the budget in metrics, where <see cref="MeanExpertsBudget"/> makes the router's own arbiter: budgets of the same name share a series.
    /// The first 32 names of a process have series of their own, later ones share one.</summary>
    /// <value>Not empty. The default is "default".</value>
    public string BudgetName { get; set; } = "default";

    /// <summary>Calibration of this router's gate: scores go through its quantiles instead of a running table, and a threshold for <see cref="MeanExpertsBudget"/>
    /// starts where its gaps say. A fused score (router_margin, router_entropy) under the top-k strategy then costs a second pass over the gate.</summary>
    /// <value>Made with the same gate; with gaps for <see cref="MaxExperts"/> where there is a budget, and with values of <see cref="ComplexityEstimator"/> under the
    /// top-k strategy. The default is null: nothing is known before the first batch.</value>
    public LayerCalibration? Calibration { get; set; }

    /// <summary>Decides the budget of several layers together, in place of <see cref="MeanExpertsBudget"/>.</summary>
    /// <value>One with the same MinExperts and MaxExperts, threshold strategy only. The default is null: a router with MeanExpertsBudget makes one of its own.</value>
    public BudgetArbiter? Arbiter { get; set; }

    /// <summary>This layer's place among those of <see cref="Arbiter"/>. The router of layer 0 begins a batch.</summary>
    /// <value>Between 0 and the arbiter's Layers - 1, that of no other router that is in use. The default is 0.</value>
    public int ArbiterLayer { get; set; }

    /// <summary>Most distinct experts of a batch. It keeps to those that are some token's first choice, most summed probability first, then to the
    /// others by summed probability, and every token selects anew among them. A token's result then depends on its batch.</summary>
    /// <value>Between <see cref="MinExperts"/> and <see cref="NumExperts"/>. The default, null, is no cap.</value>
    public int? MaxDistinctExperts { get; set; }

    /// <summary>Another router over the same experts: what either takes out of service or puts back holds for both, see <see cref="DynamicRouter.DisableExpert"/>.</summary>
    /// <value>One with the same NumExperts; it may be disposed later. The default is null: the router's experts are its own matter.</value>
    public DynamicRouter? ServiceOf { get; set; }

    /// <summary>Fixed bias added to probabilities for choosing only, one per expert.</summary>
    /// <value>Finite. The default is null: none.</value>
    public float[]? SelectionBias { get; set; }

    /// <summary>Tokens per chunk of a router's own gate; sizes the workspaces.</summary>
    /// <value>Between 1 and 1048576. The default is 512.</value>
    public int MaxTokens { get; set; } = 512;

    /// <summary>Most threads that one call of a router with its own gate uses.</summary>
    /// <value>Between 0 and 1024. The default is 0: as many as the native pool has.</value>
    public int Threads { get; set; }

    /// <summary>Instruction-set level of a router's own gate.</summary>
    /// <value>The default is <see cref="InstructionSet.Auto"/>.</value>
    public InstructionSet Isa { get; set; }

    /// <summary>Receives the router's few messages.</summary>
    /// <value>The default is null: none.</value>
    public ILogger? Logger { get; set; }

    internal DynamicRouterOptions Validated(GateOptions? gate)
    {
        var o = (DynamicRouterOptions)MemberwiseClone();
        o.InputDim = gate is not null && InputDim == 0 ? gate.InputDim : InputDim;
        o.NumExperts = gate is not null && NumExperts == 0 ? gate.NumExperts : NumExperts;
        o.MaxExperts ??= gate?.TrainedExperts ?? o.NumExperts;
        o.LoadBalancing ??= gate is null;
        o.SelectionBias = (float[]?)SelectionBias?.Clone();
        DynamicRouterRules.Check(o, gate);
        if (o.MaxDistinctExperts < o.MinExperts)
        {
            throw new LoadBalancingException($"MaxDistinctExperts ({o.MaxDistinctExperts}) is below MinExperts ({o.MinExperts}): every token gets at least that many.");
        }

        return o;
    }
}
