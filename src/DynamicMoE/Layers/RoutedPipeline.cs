
namespace DynamicMoE;

/// <summary>Any router and native experts: the router decides, then one native call runs the experts.</summary>
internal sealed class RoutedPipeline : LayerPipeline
{
    private readonly IRouter _router;
    private readonly CapacityLimit? _limit;
    private readonly GateWeights _gate;
    private readonly NativeLayer _layer;

    internal RoutedPipeline(IRouter router, ExpertBank experts, MoELayerOptions options, CapacityLimit? limit)
    {
        _router = router;
        _limit = limit;

        // A native layer is built over a gate. Decisions come from outside here, so that its weights are never used.
        var shape = new GateOptions { InputDim = router.InputDim, NumExperts = router.NumExperts, MaxTokens = 1, Isa = experts.Isa };
        _gate = GateWeights.CreateZero(shape);
        try
        {
            _layer = new NativeLayer(_gate.Handle, experts, options, RouterChain.Dynamic(router)?.Logger);
        }
        catch
        {
            _gate.Dispose();
            throw;
        }
    }

    internal override NativeLayer Layer => _layer;

    internal override RoutingReport Run(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context)
    {
        RoutingReport report = _limit is { } capacity
            ? _router.RouteWithin(capacity, hidden, tokens, routing, context)
            : _router.Route(hidden, tokens, routing, context);
        _ = Execute(hidden, tokens, output, routing);
        return report;
    }

    internal override RoutingReport Execute(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing) =>
        _layer.Execute(hidden, tokens, _router.InputDim, routing, output);

    public override void Dispose()
    {
        _layer.Dispose();
        _gate.Dispose();
    }
}
