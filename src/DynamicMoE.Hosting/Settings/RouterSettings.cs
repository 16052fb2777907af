namespace DynamicMoE.Hosting;

/// <summary><c>router</c>: the router. <see cref="DynamicRouterOptions"/> has the meaning of each in full.</summary>
public sealed class RouterSettings
{
    private readonly SettingValues _values;

    internal RouterSettings(SettingValues values)
    {
        _values = values;
        Estimator = new EstimatorSettings(values);
    }

    /// <summary><c>input_dim</c>: hidden size.</summary>
    /// <value>Between 1 and 1048576. The default, null, takes it from the gate weights.</value>
    public int? InputDim => _values.Get(SettingKeys.InputDim);

    /// <summary><c>num_experts</c>: experts to choose from.</summary>
    /// <value>Between 1 and 4096. The default, null, takes it from the gate weights.</value>
    public int? NumExperts => _values.Get(SettingKeys.NumExperts);

    /// <summary><c>min_experts</c>: fewest experts per token.</summary>
    /// <value>Between 1 and <see cref="MaxExperts"/>. The default is 1.</value>
    public int MinExperts => _values.Get(SettingKeys.MinExperts);

    /// <summary><c>max_experts</c>: most experts per token.</summary>
    /// <value>Between <see cref="MinExperts"/> and <see cref="NumExperts"/>. The default, null, is all, or the trained count over given gate weights.</value>
    public int? MaxExperts => _values.Get(SettingKeys.MaxExperts);

    /// <summary><c>complexity_estimator</c>: what scores a token.</summary>
    /// <value>One of <see cref="ComplexityEstimators.All"/>. The default is <c>gradient_norm</c>.</value>
    public string ComplexityEstimator => _values.Get(SettingKeys.ComplexityEstimator);

    /// <summary><c>routing_strategy</c>: when the selection of experts for a token stops.</summary>
    /// <value><c>top_k</c>, the default, <c>threshold</c> or <c>top_p</c>.</value>
    public RoutingStrategy RoutingStrategy => _values.Get(SettingKeys.RoutingStrategy);

    /// <summary><c>load_balancing</c>: whether the load of experts is balanced between batches.</summary>
    /// <value>The default, null, is true for a router with its own gate and false over given gate weights.</value>
    public bool? LoadBalancing => _values.Get(SettingKeys.LoadBalancing);

    /// <summary><c>noise_factor</c>: factor on the noise that is added to logits.</summary>
    /// <value>Between 0 and 1. The default is 0.</value>
    public float NoiseFactor => _values.Get(SettingKeys.NoiseFactor);

    /// <summary><c>adaptive</c>: whether the router is an <see cref="AdaptiveRouter"/>.</summary>
    /// <value>The default is false.</value>
    public bool Adaptive => _values.Get(SettingKeys.Adaptive);

    /// <summary><c>adaptation_rate</c>: change of an adaptive router's offset per unit of performance.</summary>
    /// <value>Above 0, at most 1. The default is 0.01.</value>
    public double AdaptationRate => _values.Get(SettingKeys.AdaptationRate);

    /// <summary><c>performance_smoothing</c>: weight of the newest score in an adaptive router's running mean of performance.</summary>
    /// <value>Above 0, at most 1. The default is 0.1.</value>
    public double PerformanceSmoothing => _values.Get(SettingKeys.PerformanceSmoothing);

    /// <summary><c>weighting</c>: how probabilities become weights.</summary>
    /// <value><c>renormalize</c>, the default, <c>trained_scale</c> or <c>raw</c>.</value>
    public Weighting Weighting => _values.Get(SettingKeys.Weighting);

    /// <summary><c>balancing_mode</c>: how load balancing acts.</summary>
    /// <value><c>selection_bias</c>, the default, or <c>weight_penalty</c>.</value>
    public LoadBalancingMode BalancingMode => _values.Get(SettingKeys.BalancingMode);

    /// <summary><c>balance_step</c>: change of an expert's bias per batch.</summary>
    /// <value>Above 0, at most 1, in units of probability. The default is 0.001.</value>
    public float BalanceStep => _values.Get(SettingKeys.BalanceStep);

    /// <summary><c>balance_bound</c>: largest absolute bias.</summary>
    /// <value>Between 0 and 1, in units of probability. The default is 0.05.</value>
    public float BalanceBound => _values.Get(SettingKeys.BalanceBound);

    /// <summary><c>weight_penalty</c>: share of its weight that an overused expert loses.</summary>
    /// <value>Above 0, at most 0.5. The default is 0.1.</value>
    public float WeightPenalty => _values.Get(SettingKeys.WeightPenalty);

    /// <summary><c>tau</c>: least probability of an expert as a share of the first choice's, threshold strategy.</summary>
    /// <value>Between 0 and 1. The default is 0.3.</value>
    public float Tau => _values.Get(SettingKeys.Tau);

    /// <summary><c>top_p</c>: share of probability that the taken experts hold, top_p strategy.</summary>
    /// <value>Above 0, at most 1. The default is 0.9.</value>
    public float TopP => _values.Get(SettingKeys.TopP);

    /// <summary><c>mean_experts_budget</c>: mean experts per token that the threshold is moved to hold.</summary>
    /// <value>Between <see cref="MinExperts"/> and <see cref="MaxExperts"/>, threshold strategy only. The default, null, keeps <see cref="Tau"/>.</value>
    public double? MeanExpertsBudget => _values.Get(SettingKeys.MeanExpertsBudget);

    /// <summary><c>max_distinct_experts</c>: most distinct experts of a batch.</summary>
    /// <value>Between <see cref="MinExperts"/> and <see cref="NumExperts"/>. The default, null, is no cap.</value>
    public int? MaxDistinctExperts => _values.Get(SettingKeys.MaxDistinctExperts);

    /// <summary><c>seed</c>: key of the noise and of a router's own random gate.</summary>
    /// <value>The default is 0.</value>
    public ulong Seed => _values.Get(SettingKeys.Seed);

    /// <summary><c>max_tokens</c>: tokens per chunk of a router's own gate.</summary>
    /// <value>Between 1 and 1048576. The default is 512.</value>
    public int MaxTokens => _values.Get(SettingKeys.MaxTokens);

    /// <summary><c>threads</c>: most threads that a call of a router with its own gate uses.</summary>
    /// <value>Between 0 and 1024. The default is 0: as many as the native pool has.</value>
    public int Threads => _values.Get(SettingKeys.Threads);

    /// <summary><c>estimator</c>: options of an estimator that is chosen by name.</summary>
    public EstimatorSettings Estimator { get; }

    /// <summary>Makes the options of a router that has these settings.</summary>
    /// <returns>New options; <see cref="AdaptiveRouterOptions"/> when <see cref="Adaptive"/> is true.</returns>
    public DynamicRouterOptions ToOptions()
    {
        DynamicRouterOptions options = Adaptive
            ? new AdaptiveRouterOptions { AdaptationRate = AdaptationRate, PerformanceSmoothing = PerformanceSmoothing }
            : new DynamicRouterOptions();
        options.InputDim = InputDim ?? 0;
        options.NumExperts = NumExperts ?? 0;
        options.MinExperts = MinExperts;
        options.MaxExperts = MaxExperts;
        options.EstimatorOptions = Estimator.ToOptions();
        options.Strategy = RoutingStrategy;
        options.LoadBalancing = LoadBalancing;
        options.NoiseFactor = NoiseFactor;
        options.Weighting = Weighting;
        options.BalancingMode = BalancingMode;
        options.BalanceStep = BalanceStep;
        options.BalanceBound = BalanceBound;
        options.WeightPenalty = WeightPenalty;
        options.Tau = Tau;
        options.TopP = TopP;
        options.MeanExpertsBudget = MeanExpertsBudget;
        options.MaxDistinctExperts = MaxDistinctExperts;
        options.Seed = Seed;
        options.MaxTokens = MaxTokens;
        options.Threads = Threads;
        options.Isa = _values.Get(SettingKeys.Isa);
        // An estimator that nobody chose stays unchosen: strategies without a score then run none.
        if (_values.Source(SettingKeys.ComplexityEstimator).Kind != SettingSourceKind.Default)
        {
            options.ComplexityEstimator = ComplexityEstimator;
        }

        return options;
    }
}
