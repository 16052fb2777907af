namespace DynamicMoE;

/// <summary>What calibration found out about one layer: quantiles of logit gaps, from which the threshold for any budget follows, and of estimators' raw values.
/// Bound to the gate that it was made with.</summary>
public sealed class LayerCalibration
{
    // The weight of a calibration in the running histogram of a controller: as many tokens as it remembers by default.
    private const int StartTokens = 2048;

    private readonly float[][] _gaps;

    /// <summary>Makes a calibration.</summary>
    /// <param name="layer">Index of the decoder layer, at least 0.</param>
    /// <param name="gate">Hash of the gate, see <see cref="GateWeights.Hash"/>.</param>
    /// <param name="tokens">Tokens behind it, at least 1.</param>
    /// <param name="gaps">For each choice after the first: 256 quantiles at the levels (i + 0.5) / 256 of the logit of the first choice minus that of this one, or of
    /// a choice before it when that is larger; at least 0, ascending; 3.4e38 where no expert is usable. Empty for a layer of one expert per token. Copied.</param>
    /// <param name="scores">Tables of raw values, none twice; copied.</param>
    /// <param name="sensitivity">What the model loses when this layer alone has one expert per token, in nats per token, finite and at least 0; null = not measured.</param>
    /// <exception cref="ArgumentNullException">A list is null.</exception>
    /// <exception cref="RouterConfigurationException">A value is outside its range; names it.</exception>
    public LayerCalibration(
        int layer,
        ModelHash gate,
        long tokens,
        IReadOnlyList<IReadOnlyList<float>> gaps,
        IReadOnlyList<ScoreQuantiles> scores,
        double? sensitivity = null)
    {
        ArgumentNullException.ThrowIfNull(gaps);
        ArgumentNullException.ThrowIfNull(scores);
        new OptionRules(nameof(LayerCalibration))
            .Range(nameof(layer), layer, 0, int.MaxValue)
            .Range(nameof(tokens), tokens, 1, long.MaxValue)
            .Range("gaps.Count", gaps.Count, 0, Limits.MaxExperts - 1)
            .Require(sensitivity is null or (>= 0 and < double.PositiveInfinity), $"sensitivity ({sensitivity}) must be finite and at least 0.")
            .Require(scores.DistinctBy(table => (table.Estimator, table.Fallback)).Count() == scores.Count, $"scores has a table twice.")
            .ThrowIfBroken();
        Layer = layer;
        Gate = gate;
        Tokens = tokens;
        _gaps = [.. gaps.Select((values, i) => CalibrationRules.Ascending(values, Quantiles.GapValues, $"gaps of choice {i + 2}", 0))];
        Scores = [.. scores];
        Sensitivity = sensitivity;
    }

    /// <summary>Index of the decoder layer.</summary>
    public int Layer { get; }

    /// <summary>Hash of the gate.</summary>
    public ModelHash Gate { get; }

    /// <summary>Tokens behind the quantiles.</summary>
    public long Tokens { get; }

    /// <summary>Quantiles of gaps, for each choice after the first.</summary>
    public IReadOnlyList<IReadOnlyList<float>> Gaps => _gaps;

    /// <summary>Tables of raw values.</summary>
    public IReadOnlyList<ScoreQuantiles> Scores { get; }

    /// <summary>What the model loses when this layer alone has one expert per token, in nats per token; null = not measured.</summary>
    public double? Sensitivity { get; }

    /// <summary>Most experts per token that it knows gaps for.</summary>
    public int MaxExperts => _gaps.Length + 1;

    /// <summary>Threshold that gives a mean number of experts per token on the calibration's tokens.</summary>
    /// <param name="meanExperts">Mean, clamped to <paramref name="minExperts"/>..<paramref name="maxExperts"/>.</param>
    /// <param name="minExperts">Fewest experts per token, 1..<paramref name="maxExperts"/>.</param>
    /// <param name="maxExperts">Most experts per token, at most <see cref="MaxExperts"/>.</param>
    /// <returns>A threshold in 0..1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A count is outside its range.</exception>
    public float TauFor(double meanExperts, int minExperts, int maxExperts) => Tau(Histogram(minExperts, maxExperts), meanExperts, minExperts, maxExperts);

    /// <summary>State of a controller that has seen the calibration's tokens.</summary>
    internal ThresholdControllerSnapshot Start(double budget, int minExperts, int maxExperts)
    {
        GapHistogram histogram = Histogram(minExperts, maxExperts);
        (double[] counts, GapAtom[] atoms) = histogram.Copy();
        return new ThresholdControllerSnapshot(
            budget, Tau(histogram, budget, minExperts, maxExperts), 0, histogram.Tokens, histogram.Zeros, counts, atoms);
    }

    internal LayerCalibration With(double sensitivity) => new(Layer, Gate, Tokens, _gaps, Scores, sensitivity);

    internal ScoreQuantiles? Find(string estimator, bool fallback) =>
        Scores.FirstOrDefault(table => table.Estimator == estimator && table.Fallback == fallback);

    private static float Tau(GapHistogram histogram, double mean, int minExperts, int maxExperts)
    {
        if (mean >= maxExperts)
        {
            // Every expert, also of a token with a wider gap than any that the calibration saw.
            return 0;
        }

        double count = (Math.Clamp(mean, minExperts, maxExperts) - minExperts) * histogram.Tokens;
        return new TauSearch(histogram).Find(count).Nearest(count, wasHigh: false).Tau;
    }

    private GapHistogram Histogram(int minExperts, int maxExperts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minExperts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minExperts, maxExperts);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxExperts, MaxExperts);
        var histogram = new GapHistogram();
        for (int i = 0; i < StartTokens; i++)
        {
            histogram.AddToken();
            for (int choice = minExperts; choice < maxExperts; choice++)
            {
                float gap = Quantiles.At(_gaps[choice - 1], (i + 0.5) / StartTokens);
                histogram.AddGap(gap == float.MaxValue ? float.PositiveInfinity : gap);
            }
        }

        return histogram;
    }
}
