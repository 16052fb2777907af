using DynamicMoE.Native;

namespace DynamicMoE;

/// <content>Complexity scores of a batch.</content>
public partial class DynamicRouter
{
    /// <summary>The decisions of a batch whose hidden states lie in device memory.</summary>
    /// <exception cref="RouterConfigurationException">Scores or a cap of the batch need host memory.</exception>
    internal RouteParams PrepareOnDevice(int tokens, RoutingContext? context, RouteScratch scratch)
    {
        ThrowIfDisposed();
        bool scored = _fused is not null && (_calibrated is null || Strategy != RoutingStrategy.TopK);
        if (!scored && context is not { ComplexityScores.IsEmpty: false } && context is not { ExpertCounts.IsEmpty: false })
        {
            throw new RouterConfigurationException(
                $"The router's scores come from {Estimator?.GetType().Name ?? "a calibration"}, which reads hidden states in host memory: on device memory "
                + "use router_margin or router_entropy without calibration, or give scores with the context.");
        }

        RouteParams parameters = Prepare([], tokens, context, scratch);
        return parameters.MaxDistinct == 0
            ? parameters
            : throw new RouterConfigurationException($"A cap on distinct experts ({parameters.MaxDistinct}) is decided in host memory: not on device memory.");
    }

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
