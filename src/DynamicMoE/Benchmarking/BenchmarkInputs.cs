namespace DynamicMoE;

/// <summary>Random batches of a combination, in memory.</summary>
internal sealed class BenchmarkInputs
{
    // Small batches take turns until they have so many tokens together, so that single tokens change their experts.
    private const int Rotation = 64;

    private readonly float[][] _batches;

    internal BenchmarkInputs(BenchmarkCase work, ulong seed)
    {
        var random = new RandomSource(seed);
        Tokens = work.Tokens;
        _batches = new float[Math.Max(1, Rotation / work.Tokens)][];
        for (int batch = 0; batch < _batches.Length; batch++)
        {
            _batches[batch] = new float[work.Tokens * work.HiddenDim];
            random.FillUniform(_batches[batch], 2);
        }
    }

    /// <summary>Tokens of a batch.</summary>
    internal int Tokens { get; }

    /// <summary>The batch of a call; batches take turns.</summary>
    internal ReadOnlySpan<float> Of(int call) => _batches[call % _batches.Length];
}
