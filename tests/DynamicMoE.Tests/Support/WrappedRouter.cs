using System.Numerics.Tensors;

namespace DynamicMoE.Tests.Support;

/// <summary>A router that a layer does not know.</summary>
internal class WrappedRouter(DynamicRouter inner) : IRouter
{
    public virtual int InputDim => inner.InputDim;

    public int NumExperts => inner.NumExperts;

    public int MinExperts => inner.MinExperts;

    public virtual int MaxExperts => inner.MaxExperts;

    public int TrainedExperts => inner.TrainedExperts;

    public RoutingStrategy Strategy => inner.Strategy;

    public Weighting Weighting => inner.Weighting;

    public string EstimatorName => inner.EstimatorName;

    public float Tau => inner.Tau;

    public virtual RoutingReport Route(ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null) =>
        inner.Route(hidden, tokens, buffers, context);

    public RoutingResult Route(in ReadOnlyTensorSpan<float> hidden, bool returnRouterLogits = false, RoutingContext? context = null) =>
        inner.Route(in hidden, returnRouterLogits, context);

    public bool HasBatchWideRule(RoutingContext? context = null) => inner.HasBatchWideRule(context);

    public ExpertUsageStats GetExpertUsageStats() => inner.GetExpertUsageStats();
}

/// <summary>The same, with the capacity limit of the router inside.</summary>
internal sealed class WrappedLimitedRouter(DynamicRouter inner) : WrappedRouter(inner), IRouter
{
    private readonly DynamicRouter _inner = inner;

    public bool CanLimit => _inner.CanLimit;

    public RoutingReport RouteWithin(
        CapacityLimit capacity, ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null) =>
        _inner.RouteWithin(capacity, hidden, tokens, buffers, context);
}
