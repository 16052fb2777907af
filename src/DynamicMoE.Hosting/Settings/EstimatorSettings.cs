namespace DynamicMoE.Hosting;

/// <summary><c>router.estimator</c>: options of an estimator that is chosen by name. Each reads those that concern it.</summary>
public sealed class EstimatorSettings
{
    private readonly SettingValues _values;

    internal EstimatorSettings(SettingValues values) => _values = values;

    /// <summary><c>normalize</c>: whether raw values are mapped to [0, 1] through the running quantile table.</summary>
    /// <value>The default is true.</value>
    public bool Normalize => _values.Get(SettingKeys.Normalize);

    /// <summary><c>epsilon</c>: guards divisions and logarithms against zero.</summary>
    /// <value>Above 0, at most 1. The default is 1e-8.</value>
    public float Epsilon => _values.Get(SettingKeys.Epsilon);

    /// <summary><c>percentile</c>: gradient_norm, the running percentile from which on a token scores 1.</summary>
    /// <value>Above 0, at most 100. The default is 90.</value>
    public double Percentile => _values.Get(SettingKeys.Percentile);

    /// <summary><c>smoothing_factor</c>: weight of the newest 64 tokens in the running quantile table.</summary>
    /// <value>Above 0, at most 1. The default is 0.1.</value>
    public double SmoothingFactor => _values.Get(SettingKeys.SmoothingFactor);

    /// <summary><c>head_aggregation</c>: attention_entropy, joins the heads of a token.</summary>
    /// <value><c>mean</c>, the default, <c>max</c> or <c>min</c>.</value>
    public HeadAggregation HeadAggregation => _values.Get(SettingKeys.HeadAggregation);

    /// <summary><c>temperature</c>: attention_entropy and perplexity_proxy, divides logits or sharpens attention weights.</summary>
    /// <value>Above 0, at most 1000. The default is 1.</value>
    public float Temperature => _values.Get(SettingKeys.Temperature);

    internal EstimatorOptions ToOptions() => new()
    {
        Normalize = Normalize,
        Epsilon = Epsilon,
        Percentile = Percentile,
        SmoothingFactor = SmoothingFactor,
        HeadAggregation = HeadAggregation,
        Temperature = Temperature,
    };
}
