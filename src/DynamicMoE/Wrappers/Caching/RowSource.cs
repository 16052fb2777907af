namespace DynamicMoE;

/// <summary>Where rows get what the cache keeps: a router's gate, and its estimator as far as that looks at the row alone.</summary>
internal sealed class RowSource(DynamicRouter router)
{
    private readonly ComplexityEstimator? _estimator = router.Estimator?.IsOfRowAlone(null) == true ? router.Estimator : null;

    internal DynamicRouter Router { get; } = router;

    internal GateWeights Gate { get; } = router.Gate;

    internal int InputDim { get; } = router.InputDim;

    /// <summary>Seed of the rows' keys.</summary>
    internal long Seed { get; } = RowKey.SeedFor(router.Gate);

    /// <summary>Whether raw values are kept that can stand in for the estimator in a call.</summary>
    internal bool HasRaw(RoutingContext? context) => _estimator?.IsOfRowAlone(context) == true;

    /// <summary>Computes logits and raw values of rows.</summary>
    /// <param name="values"><c>[rows, InputDim]</c>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="into">[out] What is known of them; has room.</param>
    /// <param name="scratch">The call's.</param>
    /// <exception cref="DynamicMoEException">A row cannot be routed.</exception>
    internal void Compute(ReadOnlySpan<float> values, int rows, KnownRows into, RouteScratch scratch)
    {
        Gate.Logits(values, rows, into.Logits);
        if (_estimator is null)
        {
            return;
        }

        scratch.Known = into;
        try
        {
            _estimator.Raw(new EstimationInput(values, rows, InputDim, null, Gate, scratch), into.Raw);
        }
        finally
        {
            scratch.Known = null;
        }
    }
}
