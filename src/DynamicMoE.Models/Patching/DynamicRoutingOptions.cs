using Microsoft.Extensions.Logging;

namespace DynamicMoE.Models;

/// <summary>How the MoE layers of a loaded model choose experts once they are dynamic.</summary>
public sealed class DynamicRoutingOptions
{
    /// <summary>When the selection of experts for a token stops.</summary>
    /// <value>The default is <see cref="RoutingStrategy.Threshold"/>: an expert stays while its probability is at least tau times that of the first choice.</value>
    public RoutingStrategy Strategy { get; set; } = RoutingStrategy.Threshold;

    /// <summary>Fewest experts per token.</summary>
    /// <value>Between 1 and <see cref="MaxExperts"/>. The default is 1.</value>
    public int MinExperts { get; set; } = 1;

    /// <summary>Most experts per token.</summary>
    /// <value>Between <see cref="MinExperts"/> and the number of experts. The default, null, is the trained count.</value>
    public int? MaxExperts { get; set; }

    /// <summary>Mean experts per token over the layers that their thresholds are moved to hold, batch after batch. Threshold strategy only.</summary>
    /// <value>Between <see cref="MinExperts"/> and <see cref="MaxExperts"/>. The default, null, is 0.75 times the trained count within that range,
    /// or no budget when <see cref="Tau"/> is set or the strategy is another.</value>
    public double? MeanExpertsPerToken { get; set; }

    /// <summary>Mean experts per token of each switched layer, in the order of <see cref="Layers"/>: a budget of its own for each. Floor and ceilings scale them by one
    /// factor. Excludes <see cref="MeanExpertsPerToken"/> and <see cref="Sensitivity"/>. Threshold strategy only.</summary>
    /// <value>Between <see cref="MinExperts"/> and <see cref="MaxExperts"/>. The default, null, divides the mean.</value>
    public IReadOnlyList<double>? LayerBudgets { get; set; }

    /// <summary>Name of the budget in metrics: models of the same name share a series. The first 32 names of a process have series of their own, later ones
    /// share one.</summary>
    /// <value>Not empty. The default is "default".</value>
    public string BudgetName { get; set; } = "default";

    /// <summary>What each layer loses when it alone has MinExperts, in any unit, one per switched layer in the order of <see cref="Layers"/>: layers that lose more get more experts, and the mean
    /// over them stays the budget. Needs a budget.</summary>
    /// <value>Finite values of at least 0, one of them above. The default, null, is the calibration's; without one every layer gets the same budget.</value>
    public IReadOnlyList<double>? Sensitivity { get; set; }

    /// <summary>Target of the 95th percentile of one forward pass over a minute, held by lowering the mean budget. Needs a budget.</summary>
    /// <value>Between 1 microsecond and 60 seconds. The default, null, is no target.</value>
    public TimeSpan? TargetLatency { get; set; }

    /// <summary>Most distinct experts of a layer in one pass; a token's result then depends on its batch.</summary>
    /// <value>Between <see cref="MinExperts"/> and the number of experts. The default, null, is no cap.</value>
    public int? MaxDistinctExperts { get; set; }

    /// <summary>Threshold: fixed, or, together with <see cref="MeanExpertsPerToken"/>, the one before the first batch.</summary>
    /// <value>Between 0 and 1. The default, null, starts the online threshold at 0.3.</value>
    public float? Tau { get; set; }

    /// <summary>Top-p strategy: share of probability that the taken experts hold.</summary>
    /// <value>Above 0, at most 1. The default is 0.9.</value>
    public float TopP { get; set; } = 0.9f;

    /// <summary>Top-k strategy: where the complexity score behind a token's count comes from.</summary>
    /// <value>The default is <c>router_margin</c>.</value>
    public EstimatorChoice ComplexityEstimator { get; set; } = ComplexityEstimators.RouterMargin;

    /// <summary>Calibration of this model: each layer's threshold starts where the calibration says that <see cref="MeanExpertsPerToken"/> is met, and scores of the
    /// top-k strategy go through its quantiles.</summary>
    /// <value>Made with a model of the same <see cref="MoEModel.Hash"/>, with every layer that is switched. The default, null, is <see cref="MoEModel.Calibration"/> if
    /// it knows the layers, MaxExperts and, for the top-k strategy, the estimator; without one thresholds are found on the first batches.</value>
    public CalibrationTable? Calibration { get; set; }

    /// <summary>How probabilities of the selected experts become weights.</summary>
    /// <value>The default, null, is the checkpoint's own convention; another one is logged as a warning.</value>
    public Weighting? Weighting { get; set; }

    /// <summary>Watches what the switched layers lose: sampled tokens of each layer are run again at the trained number of experts, and at sampled
    /// positions among the first 1024 the next-token distribution is compared with the static model's, which costs a pass over the sequence so far on the model's threads.
    /// Not owned; dispose it after the model.</summary>
    /// <value>The default is null: none.</value>
    public ShadowGuardrail? Guardrail { get; set; }

    /// <summary>Decoder layers to switch.</summary>
    /// <value>Indices of layers with experts. The default, null, is all of them.</value>
    public IReadOnlyList<int>? Layers { get; set; }

    /// <summary>The same number of experts for every token: a static model with another k.</summary>
    /// <param name="experts">Experts per token, at least 1.</param>
    /// <returns>New options.</returns>
    public static DynamicRoutingOptions FixedCount(int experts) =>
        new() { Strategy = RoutingStrategy.TopK, MinExperts = experts, MaxExperts = experts };

    /// <summary>Makes the arbiter of the switched layers; null without a budget.</summary>
    /// <exception cref="RouterConfigurationException">An option is outside its range, or needs a budget that is not there.</exception>
    internal BudgetArbiter? ToArbiter(ExpertsConfig config, IReadOnlyList<int> layers, ILogger? logger)
    {
        int maximum = MaxExperts ?? config.PerToken;
        bool budgeted = Strategy == RoutingStrategy.Threshold && Tau is null;
        double? budget = MeanExpertsPerToken ?? (LayerBudgets is not null ? 0 : budgeted ? Math.Max(MinExperts, Math.Min(0.75 * config.PerToken, maximum)) : null);
        if (budget is null)
        {
            return Sensitivity is null && TargetLatency is null ? null
                : throw new RouterConfigurationException("Sensitivity and TargetLatency need a budget: MeanExpertsPerToken, or Strategy Threshold without Tau.");
        }

        RequireBudgets(layers.Count, maximum);
        return new BudgetArbiter(new BudgetArbiterOptions
        {
            Budget = budget.Value,
            MinExperts = MinExperts,
            MaxExperts = maximum,
            Layers = layers.Count,
            Sensitivity = LayerBudgets is null ? Sensitivity ?? Calibrated(layers) : Sensitivity,
            LayerBudgets = LayerBudgets,
            Name = BudgetName,
            Logger = logger,
        });
    }

    /// <summary>These options, with the model's own calibration where they name none and it knows enough for them.</summary>
    /// <param name="own">The model's own, or null.</param>
    /// <param name="config">The experts.</param>
    /// <param name="layers">The decoder layers with experts.</param>
    internal DynamicRoutingOptions WithOwn(CalibrationTable? own, ExpertsConfig config, IReadOnlyList<int> layers)
    {
        int maximum = MaxExperts ?? config.PerToken;
        bool fits = own is not null && MinExperts < maximum && (Layers ?? layers).All(layer => own.Find(layer) is { } known && known.MaxExperts >= maximum
            && (Strategy != RoutingStrategy.TopK || !NeedsScores || known.Scores.Any(table => table.Estimator == ComplexityEstimator.Name)));
        var copy = (DynamicRoutingOptions)MemberwiseClone();
        copy.Calibration ??= fits ? own : null;
        return copy;
    }

    /// <summary>These options with the layers ascending, none twice, and what is said per layer in their order: the first one begins a batch.</summary>
    internal DynamicRoutingOptions Ordered()
    {
        if (Layers is null)
        {
            return this;
        }

        int[] given = [.. Layers.Distinct()];
        int[] order = [.. Enumerable.Range(0, given.Length).OrderBy(i => given[i])];
        var copy = (DynamicRoutingOptions)MemberwiseClone();
        copy.Layers = [.. order.Select(i => given[i])];
        copy.Sensitivity = InOrder(Sensitivity, order);
        copy.LayerBudgets = InOrder(LayerBudgets, order);
        return copy;
    }

    /// <summary>Makes the controller of the latency target; null without one.</summary>
    /// <exception cref="RouterConfigurationException">The target is outside its range.</exception>
    internal LatencyController? ToLatency(BudgetArbiter? arbiter, TimeProvider time) => arbiter is null || TargetLatency is not { } target ? null
        : new LatencyController(arbiter, new LatencyControllerOptions { Target = target, TimeProvider = time });

    /// <exception cref="RouterConfigurationException">The calibration does not have the layer.</exception>
    internal DynamicRouterOptions ToRouter(ExpertsConfig config, int layer, BudgetArbiter? arbiter, int arbiterLayer)
    {
        LayerCalibration? calibration = Calibration?.Find(layer);
        if (Calibration is not null && calibration is null)
        {
            throw new RouterConfigurationException($"The calibration has layers {string.Join(", ", Calibration.Layers.Select(known => known.Layer))}, not layer {layer}.");
        }

        return new DynamicRouterOptions
        {
            Strategy = Strategy,
            MinExperts = MinExperts,
            MaxExperts = MaxExperts ?? config.PerToken,
            Arbiter = arbiter,
            ArbiterLayer = arbiter is null ? 0 : arbiterLayer,
            MaxDistinctExperts = MaxDistinctExperts,
            Tau = Tau ?? 0.3f,
            TopP = TopP,
            ComplexityEstimator = ComplexityEstimator,
            Calibration = calibration,
            Weighting = Weighting ?? config.Weighting,
        };
    }

    // By the names that are set here: the arbiter, which checks the rest, has others.
    private void RequireBudgets(int layers, int maximum)
    {
        bool ranged = MinExperts >= 1 && MinExperts <= maximum;
        var broken = new List<string>();
        if (LayerBudgets is { } budgets)
        {
            Require(MeanExpertsPerToken is null && Sensitivity is null, $"LayerBudgets exclude MeanExpertsPerToken and Sensitivity.");
            Require(budgets.Count == layers, $"LayerBudgets has {budgets.Count} elements, {layers} layers are switched.");
            foreach ((int index, double budget) in budgets.Index())
            {
                Require(Within(budget), $"LayerBudgets[{index}] ({budget}) is outside {MinExperts}..{maximum}.");
            }
        }
        else if (MeanExpertsPerToken is { } mean)
        {
            Require(Within(mean), $"MeanExpertsPerToken ({mean}) is outside {MinExperts}..{maximum}.");
        }

        Require(Sensitivity is null || Sensitivity.Count == layers, $"Sensitivity has {Sensitivity?.Count} elements, {layers} layers are switched.");
        if (broken.Count > 0)
        {
            throw new RouterConfigurationException($"{nameof(DynamicRoutingOptions)}: {string.Join(' ', broken)}");
        }

        bool Within(double value) => !ranged || (value >= MinExperts && value <= maximum);

        void Require(bool holds, FormattableString error)
        {
            if (!holds)
            {
                broken.Add(FormattableString.Invariant(error));
            }
        }
    }

    // What is not normalised is a score already.
    private bool NeedsScores => ComplexityEstimator.Instance is null or { Normalize: true };

    // Of another number the arbiter says so.
    private static IReadOnlyList<double>? InOrder(IReadOnlyList<double>? values, int[] order) =>
        values?.Count == order.Length ? [.. order.Select(i => values[i])] : values;

    // Null where nothing is known, or nothing tells the layers apart.
    private double[]? Calibrated(IReadOnlyList<int> layers)
    {
        double[] known = [.. layers.Select(layer => Calibration?.Find(layer)?.Sensitivity).OfType<double>()];
        return known.Length == layers.Count && known.Any(value => value > 0) ? known : null;
    }
}
