namespace DynamicMoE;

/// <summary>Somebody who calls a router, with buffers of their own, and adds up what it decided.</summary>
internal sealed class BenchmarkCaller(BenchmarkInputs inputs, IRouter router) : IRequestServer
{
    private readonly RoutingBuffers _buffers = RoutingBuffers.For(router, inputs.Tokens, withLogits: false);
    private readonly long[] _usage = new long[router.NumExperts];

    internal long Tokens { get; private set; }

    internal long Routes { get; private set; }

    /// <summary>Routes of each expert.</summary>
    internal ReadOnlySpan<long> Usage => _usage;

    /// <summary>Routes one batch; nothing else is done in it, so that it can be timed.</summary>
    public void Serve(int request) => _ = router.Route(inputs.Of(request), inputs.Tokens, _buffers);

    /// <summary>Adds up what the last call decided.</summary>
    public void Count()
    {
        Tokens += inputs.Tokens;
        for (int expert = 0; expert < _usage.Length; expert++)
        {
            Routes += _buffers.ExpertRoutes[expert];
            _usage[expert] += _buffers.ExpertRoutes[expert];
        }
    }
}
