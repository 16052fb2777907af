using DynamicMoE.Native;

namespace DynamicMoE;

/// <content>Complexity scores of a batch.</content>
public partial class DynamicRouter
{
    private void AddScores(ReadOnlySpan<float> hidden, int tokens, RoutingContext? context, RouteScratch scratch, ref RouteParams parameters)
    {
        scratch.Estimated = false;
        if (!parameters.Scores.IsEmpty)
        {
            parameters.ScoreSource = ScoreSource.Supplied;
            return;
        }

        if (_fused is { } fused && _calibrated is { } calibrated && parameters.Counts.IsEmpty && Strategy == RoutingStrategy.TopK)
        {
            AddCalibrated(hidden, tokens, context, fused, calibrated, scratch, ref parameters);
            return;
        }

        if (_fused is not null || !parameters.Counts.IsEmpty)
        {
            parameters.ScoreSource = _fused ?? ScoreSource.RouterMargin;
            return;
        }

        Span<float> scores = scratch.Scores(tokens);
        Span<float> raw = scratch.Raw(tokens);
        if (scratch.Known is { HasRaw: true } known)
        {
            known.Raw.CopyTo(raw);
            Estimator!.ScoreRaw(context, raw, scores);
        }
        else
        {
            Estimator!.Score(new EstimationInput(hidden, tokens, InputDim, context, Gate, scratch), raw, scores);
        }

        scratch.Estimated = _calibrated is null || !_calibrated.TryMap(Estimator, context, raw, scores);
        parameters.Scores = scores;
        parameters.ScoreSource = ScoreSource.Supplied;
    }

    // The native call takes scores as they are: a fused one is computed first, mapped, and then supplied.
    private void AddCalibrated(
        ReadOnlySpan<float> hidden,
        int tokens,
        RoutingContext? context,
        ScoreSource fused,
        CalibratedScores calibrated,
        RouteScratch scratch,
        ref RouteParams parameters)
    {
        RoutingBuffers probed = scratch.Routing(this, tokens, withLogits: false);
        Probe(hidden, tokens, context, fused, probed, scratch.Known);
        Span<float> shares = scratch.Scores(tokens);
        calibrated.Map(probed.ComplexityScores.AsSpan(0, tokens), shares);
        parameters.Scores = shares;
        parameters.ScoreSource = ScoreSource.Supplied;
    }
}
