namespace DynamicMoE;

/// <summary>Decides by seed and position alone which tokens are sampled, so that a run can be repeated.</summary>
internal readonly struct TokenSampler(double rate, ulong seed)
{
    private readonly ulong _below = rate >= 1 ? ulong.MaxValue : (ulong)(rate * 18446744073709551616.0);
    private readonly ulong _seed = seed;

    internal bool Takes(long position)
    {
        // SplitMix64's output function: every bit of the position reaches every bit that is compared.
        ulong z = (_seed ^ (ulong)position) * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (z ^ (z >> 31)) <= _below;
    }
}
