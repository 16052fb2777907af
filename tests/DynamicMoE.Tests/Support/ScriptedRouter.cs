using System.Numerics.Tensors;

namespace DynamicMoE.Tests.Support;

/// <summary>A router whose calls take the time that a script says, and that gives every token its first experts.</summary>
internal sealed class ScriptedRouter(BenchmarkCase work, SelfMovingClock clock, int experts, Func<int, double> milliseconds) : IRouter, IDisposable
{
    private int _calls;

    public bool Disposed { get; private set; }

    public int InputDim => work.HiddenDim;

    public int NumExperts => work.NumExperts;

    public int MinExperts => work.MinExperts;

    public int MaxExperts => work.MaxExperts;

    public int TrainedExperts => work.MaxExperts;

    public RoutingStrategy Strategy => RoutingStrategy.TopK;

    public Weighting Weighting => Weighting.Raw;

    public string EstimatorName => "script";

    public float Tau => 0;

    public RoutingReport Route(ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null)
    {
        clock.Advance(milliseconds(Interlocked.Increment(ref _calls) - 1));
        buffers.ExpertRoutes.AsSpan().Clear();
        buffers.ExpertRoutes.AsSpan(0, experts).Fill(tokens);
        return new RoutingReport(tokens, (long)tokens * experts, experts, tokens, 0, 0);
    }

    public RoutingResult Route(in ReadOnlyTensorSpan<float> hidden, bool returnRouterLogits = false, RoutingContext? context = null) =>
        throw new NotSupportedException();

    public ExpertUsageStats GetExpertUsageStats() => throw new NotSupportedException();

    public void Dispose() => Disposed = true;
}
