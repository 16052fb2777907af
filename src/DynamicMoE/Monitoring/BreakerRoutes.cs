namespace DynamicMoE;

/// <summary>Routes batches while a breaker is not closed. Allocates nothing, unless it fails.</summary>
internal sealed class BreakerRoutes(BreakerFallback kind, IRouter inner, DynamicRouter? dynamic, string tag)
{
    private readonly LastGoodRoutes? _last = kind == BreakerFallback.LastGood ? new LastGoodRoutes(inner.MaxExperts) : null;
    private readonly ScratchPool<RouteScratch> _scratch = new();
    private readonly KeyValuePair<string, object?> _router = MonitoringInstruments.Router(tag);
    private readonly KeyValuePair<string, object?> _kind = new("fallback", kind switch
    {
        BreakerFallback.StaticTopK => "static_top_k",
        BreakerFallback.LastGood => "last_good",
        _ => "fail_fast",
    });

    private long _count;

    internal BreakerFallback Kind => kind;

    /// <summary>Batches so far.</summary>
    internal long Count => Volatile.Read(ref _count);

    /// <summary>The router routed a batch.</summary>
    internal void Remember(RoutingBuffers routing, int tokens) => _last?.Remember(routing, tokens);

    /// <summary>Routes a batch that was checked.</summary>
    /// <exception cref="CircuitOpenException">There is no fallback for it.</exception>
    internal RoutingReport Route(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity, CircuitBreaker breaker)
    {
        Interlocked.Increment(ref _count);
        MonitoringInstruments.Fallbacks.Add(1, _router, _kind);
        return kind switch
        {
            BreakerFallback.StaticTopK => dynamic!.RouteStatic(hidden, tokens, buffers, context, capacity),
            BreakerFallback.LastGood when TryLast(tokens, buffers, context, capacity, out RoutingReport report) => report,
            _ => throw Refusal(breaker),
        };
    }

    private bool TryLast(int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity, out RoutingReport report)
    {
        report = default;
        if (capacity is not null)
        {
            return false;
        }

        RouteScratch scratch = _scratch.Rent();
        try
        {
            ReadOnlySpan<byte> mask = context is null ? default : context.ExpertMask.Span;
            if (!mask.IsEmpty && mask.Length != inner.NumExperts)
            {
                throw new RoutingValidationException($"ExpertMask has {mask.Length} elements, 0 or {inner.NumExperts} are needed.");
            }

            mask = dynamic is null ? mask : dynamic.Usable(mask, scratch);
            return _last!.TryWrite(tokens, inner.MinExperts, mask, context?.MaxDistinctExperts ?? int.MaxValue, buffers, out report);
        }
        finally
        {
            _scratch.Return(scratch);
        }
    }

    private CircuitOpenException Refusal(CircuitBreaker breaker)
    {
        TimeSpan wait = breaker.RetryAfter;
        string why = kind == BreakerFallback.FailFast ? "the fallback is FailFast" : "no earlier routes do for this batch";
        return new CircuitOpenException($"The circuit breaker of router '{tag}' is {breaker.State}, and {why}. The router is tried again in {wait}.", wait, breaker.LastFailure);
    }
}
