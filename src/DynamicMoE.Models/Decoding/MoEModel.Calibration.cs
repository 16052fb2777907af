namespace DynamicMoE.Models;

/// <content>What is found out about a model on a text.</content>
public sealed partial class MoEModel
{
    /// <summary>The calibration that lies beside the weights as dynamicmoe.calibration.json; null when there is none or it was not asked for. Dynamic routing
    /// starts from it unless <see cref="DynamicRoutingOptions.Calibration"/> names another.</summary>
    public CalibrationTable? Calibration { get; }

    /// <summary>Makes calibrations of all MoE layers from a text, for <see cref="DynamicRoutingOptions.Calibration"/>. The model routes as it was trained meanwhile,
    /// whatever is in force, and no threshold learns. Keeps about 10 floats per token and layer until it is done.</summary>
    /// <param name="tokens">Ids of a text like those that the model will run, 256 or more; cut into windows of at most 512, each from an empty cache.</param>
    /// <param name="estimators">Estimators whose raw values are kept; null for every built-in one.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The table, bound to <see cref="Hash"/>.</returns>
    /// <exception cref="ConvergenceException">There are too few tokens, or a layer sees too few different values; names layer, count and limit.</exception>
    /// <exception cref="ModelPatchingException">The model has no layer with experts.</exception>
    /// <exception cref="RouterConfigurationException">An estimator is unknown or there twice.</exception>
    /// <exception cref="RoutingValidationException">An id is outside its range.</exception>
    /// <exception cref="ComplexityEstimationException">An estimator failed.</exception>
    /// <exception cref="ExpertDispatchException">Finite input overflowed; names layer and position.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public CalibrationTable Calibrate(
        ReadOnlySpan<int> tokens, IReadOnlyList<EstimatorChoice>? estimators = null, CancellationToken cancellationToken = default)
    {
        const int MostWindow = 512;
        ObjectDisposedException.ThrowIf(_disposed, this);
        RoutingPatch.RequireExperts(Config, _blocks);
        var run = new CalibrationRun(_blocks, estimators);
        MoESession session = CreateSession(Math.Min(MostWindow, Config.MaxPositions));
        session.RouteBy(run);
        var logits = new float[Config.VocabularySize];
        for (int start = 0; start < tokens.Length; start += session.MaxPositions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            session.Reset();
            _ = session.ForwardLast(tokens.Slice(start, Math.Min(session.MaxPositions, tokens.Length - start)), logits);
        }

        return run.Finish(Hash);
    }

    /// <summary>Measures what each MoE layer loses when it alone has one expert per token, for <see cref="CalibrationTable.WithSensitivity"/> or
    /// <see cref="DynamicRoutingOptions.Sensitivity"/>. The other layers route as they were trained meanwhile, whatever is in force, and no threshold
    /// learns. Runs the text once for each layer and once more.</summary>
    /// <param name="tokens">Ids of a text like those that the model will run, 256 or more; cut into windows of at most 512, each from an empty cache.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>Nats per token above the loss of the trained rule, at least 0, one for each of <see cref="MoELayers"/>.</returns>
    /// <exception cref="ConvergenceException">There are too few tokens; names count and limit.</exception>
    /// <exception cref="ModelPatchingException">The model has no layer with experts.</exception>
    /// <exception cref="RoutingValidationException">An id is outside its range.</exception>
    /// <exception cref="ExpertDispatchException">Finite input overflowed; names layer and position.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public IReadOnlyList<double> MeasureSensitivity(ReadOnlySpan<int> tokens, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        RoutingPatch.RequireExperts(Config, _blocks);
        if (tokens.Length < LayerCalibrator.MinTokens)
        {
            throw new ConvergenceException($"The sensitivity is measured on {tokens.Length} tokens, at least {LayerCalibrator.MinTokens} are needed.");
        }

        using var run = new SensitivityRun(_blocks);
        var loss = new ModelLoss(this, run);
        double trained = loss.Nats(tokens, cancellationToken);
        var sensitivity = new double[_blocks.Length];
        for (int i = 0; i < _blocks.Length; i++)
        {
            run.Reduce(i);
            sensitivity[i] = Math.Max(0, loss.Nats(tokens, cancellationToken) - trained);
        }

        return sensitivity;
    }
}
