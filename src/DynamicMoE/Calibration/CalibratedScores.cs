namespace DynamicMoE;

/// <summary>Makes scores of one router's raw values by a calibration. Never changes, so that readers do not wait.</summary>
internal sealed class CalibratedScores
{
    private readonly ScoreQuantiles? _own;
    private readonly ScoreQuantiles? _fallback;

    private CalibratedScores(ScoreQuantiles? own, ScoreQuantiles? fallback)
    {
        _own = own;
        _fallback = fallback;
    }

    /// <returns>The tables of an estimator, or null when the calibration has none.</returns>
    internal static CalibratedScores? Of(LayerCalibration calibration, string estimator)
    {
        ScoreQuantiles? own = calibration.Find(estimator, fallback: false), fallback = calibration.Find(estimator, fallback: true);
        return own is null && fallback is null ? null : new CalibratedScores(own, fallback);
    }

    /// <summary>Maps values of a fused source, whose score is the share itself.</summary>
    internal void Map(ReadOnlySpan<float> raw, Span<float> scores) => (_own ?? _fallback)!.Map(raw, scores);

    /// <summary>Maps the raw values of an estimator.</summary>
    /// <returns>False, with nothing written, when the calibration did not see this source of the estimator.</returns>
    internal bool TryMap(ComplexityEstimator estimator, RoutingContext? context, ReadOnlySpan<float> raw, Span<float> scores)
    {
        ScoreQuantiles? table = estimator.Source(context) == 1 ? _fallback : _own;
        if (table is null)
        {
            return false;
        }

        table.Map(raw, scores);
        foreach (ref float score in scores)
        {
            score = estimator.FromShare(score);
        }

        return true;
    }
}
