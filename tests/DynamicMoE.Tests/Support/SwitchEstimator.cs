namespace DynamicMoE.Tests.Support;

/// <summary>Scores every token 0.5, or fails while a test wants it to.</summary>
internal sealed class SwitchEstimator() : ComplexityEstimator(normalize: false)
{
    private int _calls;

    public override string Name => "switch";

    /// <summary>What the next estimates throw; null = nothing.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Estimates asked for.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public override void Estimate(in EstimationInput input, Span<float> raw)
    {
        Interlocked.Increment(ref _calls);
        if (Failure is { } failure)
        {
            throw failure;
        }

        raw.Fill(0.5f);
    }
}
