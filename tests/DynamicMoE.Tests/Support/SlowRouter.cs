namespace DynamicMoE.Tests.Support;

/// <summary>A router that takes its time by a manual clock, and fails while a test wants it to.</summary>
internal sealed class SlowRouter(DynamicRouter inner, ManualClock clock, TimeSpan time) : WrappedRouter(inner)
{
    private int _calls;

    /// <summary>What the next calls throw; null = nothing.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Calls so far.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public override RoutingReport Route(ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null)
    {
        Interlocked.Increment(ref _calls);
        if (Failure is { } failure)
        {
            throw failure;
        }

        clock.Advance(time);
        return base.Route(hidden, tokens, buffers, context);
    }
}
