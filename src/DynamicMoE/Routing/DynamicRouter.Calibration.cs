using System.Numerics.Tensors;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <content>Calibration.</content>
public partial class DynamicRouter
{
    /// <summary>Makes a calibration of samples, for <see cref="DynamicRouterOptions.Calibration"/>. The router learns nothing.</summary>
    /// <param name="samples">Hidden states, <c>[batch, sequence, InputDim]</c> or <c>[tokens, InputDim]</c>, dense row-major, finite; at least 256 tokens.</param>
    /// <param name="context">What the host model knows beside them, or null.</param>
    /// <returns>Quantiles of gaps, and of every built-in estimator's and the router's own estimator's raw values.</returns>
    /// <exception cref="ConvergenceException">There are too few tokens, or too few different values to tell tokens apart; names count and limit.</exception>
    /// <exception cref="RoutingValidationException">A shape does not fit, the view is not dense, or a value is not finite.</exception>
    /// <exception cref="ComplexityEstimationException">An estimator failed.</exception>
    /// <exception cref="ObjectDisposedException">The router or its gate is disposed.</exception>
    public LayerCalibration Calibrate(in ReadOnlyTensorSpan<float> samples, RoutingContext? context = null)
    {
        ReadOnlySpan<float> rows = Shapes.Rows(in samples, InputDim, nameof(samples), out int tokens);
        var calibrator = new LayerCalibrator(this);
        calibrator.Observe(rows, tokens, context);
        return calibrator.Finish();
    }

    /// <summary>Computes gaps and a fused score without learning, and without what changes from batch to batch.</summary>
    internal void Probe(
        ReadOnlySpan<float> hidden, int tokens, RoutingContext? context, ScoreSource source, RoutingBuffers buffers, KnownRows? known = null)
    {
        ThrowIfDisposed();
        buffers.RequireFit(this, tokens);
        var parameters = new RouteParams { Weighting = Weighting, MinExperts = MinExperts, MaxExperts = MaxExperts, TopP = _options.TopP };
        if (context is not null)
        {
            ContextRules.Apply(context, tokens, NumExperts, ref parameters);
            parameters.Scores = default;
            parameters.Counts = default;
            parameters.TokenTaus = default;
        }

        parameters.SelectionBias = _options.SelectionBias;
        parameters.ScoreSource = source;
        _ = Decide(hidden, tokens, in parameters, known, buffers);
    }

    private CalibratedScores? Calibrated(LayerCalibration calibration)
    {
        CalibratedScores? scores = CalibratedScores.Of(calibration, EstimatorName);
        bool needsScores = Strategy == RoutingStrategy.TopK && Estimator is null or { Normalize: true };
        new OptionRules(nameof(DynamicRouterOptions))
            .Require(calibration.Gate == Gate.Hash, $"Calibration was made with gate {calibration.Gate}, this is gate {Gate.Hash}.")
            .Require(
                Controller is null || MaxExperts <= calibration.MaxExperts,
                $"MaxExperts ({MaxExperts}) exceeds the {calibration.MaxExperts} experts per token that Calibration has gaps for.")
            .Require(
                !needsScores || scores is not null,
                $"Calibration has no values of {EstimatorName}, it has {string.Join(", ", calibration.Scores.Select(table => table.Estimator).Distinct())}.")
            .ThrowIfBroken();
        return Estimator is { Normalize: false } ? null : scores;
    }
}
