namespace DynamicMoE;

/// <summary>One combination that a benchmark runs.</summary>
/// <param name="BatchSize">Sequences of a call.</param>
/// <param name="SequenceLength">Tokens of a sequence.</param>
/// <param name="HiddenDim">Hidden size.</param>
/// <param name="NumExperts">Number of experts.</param>
/// <param name="MinExperts">Fewest experts per token.</param>
/// <param name="MaxExperts">Most experts per token.</param>
/// <param name="Threads">Most threads of a call; 0 = as many as the native pool has.</param>
public sealed record BenchmarkCase(
    int BatchSize, int SequenceLength, int HiddenDim, int NumExperts, int MinExperts, int MaxExperts, int Threads = 0)
{
    /// <summary>Tokens of a call.</summary>
    public int Tokens => BatchSize * SequenceLength;

    /// <summary>The combination in one line.</summary>
    /// <returns>For progress and errors.</returns>
    public override string ToString() => FormattableString.Invariant(
        $"batch {BatchSize} x {SequenceLength} tokens, hidden {HiddenDim}, {MinExperts}..{MaxExperts} of {NumExperts} experts");
}
