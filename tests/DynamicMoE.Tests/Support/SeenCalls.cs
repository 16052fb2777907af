namespace DynamicMoE.Tests.Support;

/// <summary>A wrapper that counts the calls that go through it.</summary>
internal sealed class SeenCalls(IRouter inner) : RouterWrapper(inner)
{
    public int Calls { get; private set; }

    public RoutingContext? LastContext { get; private set; }

    private protected override RoutingReport RouteRows(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
    {
        Calls++;
        LastContext = context;
        return RouteInner(hidden, tokens, buffers, context, capacity);
    }
}
