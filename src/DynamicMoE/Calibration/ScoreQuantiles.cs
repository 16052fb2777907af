namespace DynamicMoE;

/// <summary>Distribution of an estimator's raw values in one layer; a score is the share of the distribution that is not above a value.</summary>
public sealed class ScoreQuantiles
{
    private readonly float[] _values;

    /// <summary>Makes a table.</summary>
    /// <param name="estimator">Name of the estimator.</param>
    /// <param name="fallback">Whether the values come from the estimator's fallback: the host model did not supply its input.</param>
    /// <param name="values">64 quantiles at the levels (i + 0.5) / 64, ascending, finite; copied.</param>
    /// <exception cref="ArgumentException"><paramref name="estimator"/> is null or empty.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="values"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">The values break a rule; the message says which.</exception>
    public ScoreQuantiles(string estimator, bool fallback, IReadOnlyList<float> values)
    {
        ArgumentException.ThrowIfNullOrEmpty(estimator);
        Estimator = estimator;
        Fallback = fallback;
        _values = CalibrationRules.Ascending(values, Quantiles.ScoreValues, $"values of {estimator}", float.MinValue);
    }

    /// <summary>Name of the estimator.</summary>
    public string Estimator { get; }

    /// <summary>Whether the values come from the estimator's fallback.</summary>
    public bool Fallback { get; }

    /// <summary>Quantiles at the levels (i + 0.5) / 64, ascending.</summary>
    public IReadOnlyList<float> Values => _values;

    /// <summary>Maps each value to its share of the distribution, ties counted half.</summary>
    internal void Map(ReadOnlySpan<float> values, Span<float> shares)
    {
        for (int i = 0; i < values.Length; i++)
        {
            shares[i] = QuantileTable.ShareBelow(_values, values[i]);
        }
    }
}
