namespace DynamicMoE;

/// <summary>SplitMix64: the same seed gives the same numbers on every platform and runtime version.</summary>
internal sealed class RandomSource(ulong seed)
{
    private ulong _state = seed;

    /// <summary>Next number in [0, 1).</summary>
    internal float NextUnit()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        z ^= z >> 31;
        return (z >> 40) * (1f / (1 << 24));
    }

    /// <summary>Fills with numbers in [-bound, bound).</summary>
    internal void FillUniform(Span<float> values, float bound)
    {
        foreach (ref float value in values)
        {
            value = (NextUnit() * 2 - 1) * bound;
        }
    }
}
