namespace DynamicMoE;

/// <content>Health, metrics, and the state as a whole.</content>
public sealed partial class BudgetArbiter
{
    /// <summary>What of the budget is not held now. Counted anew at each call.</summary>
    public AdaptationHealth Health
    {
        get
        {
            int missed = 0;
            int unattainable = 0;
            foreach (ThresholdController? controller in _controllers)
            {
                missed += controller?.State == ConvergenceState.Missed ? 1 : 0;
                unattainable += controller?.BudgetAttainable == false ? 1 : 0;
            }

            return new AdaptationHealth(missed, unattainable, Decision.GuardrailOverridden);
        }
    }

    /// <summary>Whether a router that is not disposed follows it.</summary>
    internal bool HasRouters => Array.Exists(_controllers, static controller => controller?.Changed is not null);

    /// <summary>Whether every layer's budget can be held within 1 %, as far as was seen.</summary>
    public bool BudgetAttainable => Health.UnattainableLayers == 0;

    /// <summary>Realised mean experts per token over all layers, each over its last 100 batches of 64 tokens; NaN before the first batch.</summary>
    public double RealisedMean
    {
        get
        {
            double sum = 0;
            int layers = 0;
            foreach (ThresholdController? controller in _controllers)
            {
                if (controller?.RealisedMean is double mean && !double.IsNaN(mean))
                {
                    sum += mean;
                    layers++;
                }
            }

            return layers == 0 ? double.NaN : sum / layers;
        }
    }

    /// <summary>Realised mean experts per token of one layer over its last 100 batches of 64 tokens.</summary>
    /// <param name="layer">0..Layers-1.</param>
    /// <returns>NaN before the first batch, and for a layer without a router.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="layer"/> is outside its range.</exception>
    public double LayerRealisedMean(int layer)
    {
        RequireLayer(layer);
        return _controllers[layer]?.RealisedMean ?? double.NaN;
    }

    /// <summary>Waits until every layer's realised mean holds its budget.</summary>
    /// <param name="timeout">Longest wait; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="timeProvider">Clock of the timeout; null for that of the system.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Completes once every layer's state is Converged; at once when no layer has a router.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="timeout"/> is negative and not infinite.</exception>
    /// <exception cref="ConvergenceException">A layer's budget was missed for 200 batches, or the time is over.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task WaitForConvergenceAsync(TimeSpan timeout, TimeProvider? timeProvider = null, CancellationToken cancellationToken = default)
    {
        ThresholdController.RequireTimeout(timeout);
        using var others = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] waits = [.. _controllers.OfType<ThresholdController>().Select(c => c.WaitForConvergenceAsync(timeout, timeProvider, others.Token))];
        try
        {
            // The first failure is the answer: a layer without input would be waited for in vain.
            await foreach (Task wait in Task.WhenEach(waits).ConfigureAwait(false))
            {
                await wait.ConfigureAwait(false);
            }
        }
        catch
        {
            await others.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(waits).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    /// <summary>Copies the state of the arbiter and of its layers' controllers.</summary>
    /// <returns>A snapshot that <see cref="Restore"/> takes.</returns>
    public AdaptationSnapshot Snapshot()
    {
        lock (_gate)
        {
            BudgetInputs inputs = _inputs;
            return new AdaptationSnapshot(
                MinExperts, MaxExperts, inputs.Budget, inputs.Adaptation, inputs.Scaling, [.. _controllers.Select(controller => controller?.Snapshot())]);
        }
    }

    /// <summary>Takes over a state, all of it or nothing. What it says of the budget acts on the next batch. Floor and ceilings stay as those who
    /// set them last left them.</summary>
    /// <param name="snapshot">From <see cref="Snapshot"/>, of an arbiter with the same MinExperts, MaxExperts and Layers.</param>
    /// <exception cref="ArgumentNullException"><paramref name="snapshot"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">The snapshot does not fit; nothing was changed.</exception>
    public void Restore(AdaptationSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        lock (_gate)
        {
            RequireFits(snapshot);
            for (int layer = 0; layer < _controllers.Length; layer++)
            {
                if (snapshot.Layers[layer] is { } learnt)
                {
                    _controllers[layer]?.Take(learnt, learnt.Budget);
                }
            }

            Volatile.Write(ref _inputs, _inputs with { Budget = snapshot.Budget, Adaptation = snapshot.Adaptation, Scaling = snapshot.Scaling });
        }
    }

    private void RequireFits(AdaptationSnapshot snapshot)
    {
        new OptionRules(nameof(AdaptationSnapshot))
            .Require(
                snapshot.MinExperts == MinExperts && snapshot.MaxExperts == MaxExperts,
                $"MinExperts..MaxExperts ({snapshot.MinExperts}..{snapshot.MaxExperts}) differ from the arbiter's ({MinExperts}..{MaxExperts}).")
            .Require(snapshot.Layers?.Count == Layers, $"Layers are {snapshot.Layers?.Count ?? 0}, the arbiter has {Layers}.")
            .Range(nameof(Budget), snapshot.Budget, MinExperts, MaxExperts)
            .Require(double.IsFinite(snapshot.Adaptation) && double.IsFinite(snapshot.Scaling), $"Adaptation and Scaling must be finite.")
            .ThrowIfBroken();
        for (int layer = 0; layer < Layers; layer++)
        {
            if (snapshot.Layers![layer] is { } learnt)
            {
                _controllers[layer]?.RequireFits(learnt);
            }
        }
    }

    private void RequireLayer(int layer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Layers);
    }

    private void Publish(BudgetDecision before, BudgetDecision now)
    {
        if (now.GuardrailOverridden && !before.GuardrailOverridden && _options.Logger is { } logger)
        {
            Log.GuardrailOverridden(logger, now.Floor, now.Ceiling, now.DecidedBy);
        }

        var budget = new KeyValuePair<string, object?>(Instruments.BudgetTag, Tag);
        Instruments.BudgetDecisions.Add(1, budget, new KeyValuePair<string, object?>(Instruments.DecidedByTag, now.DecidedBy.ToString()));
    }

    // Called by the layer's controller, on the thread of a batch; takes no lock.
    private void LayerChanged(int layer)
    {
        if (_options.Logger is not { } logger || _controllers[layer] is not { } controller)
        {
            return;
        }

        if (!controller.BudgetAttainable)
        {
            Log.BudgetUnattainable(logger, layer, controller.Budget, controller.ReachableMean);
        }
        else if (controller.State == ConvergenceState.Missed)
        {
            Log.BudgetMissed(logger, layer, controller.Budget, controller.RealisedMean);
        }
        else if (controller.State == ConvergenceState.Converged)
        {
            Log.BudgetHeld(logger, layer, controller.Budget, controller.RealisedMean);
        }
    }
}
