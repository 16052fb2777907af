namespace DynamicMoE.Cli.Benchmarking;

/// <summary>SplitMix64: the same numbers on every runtime version, and cheap enough for a billion weights.</summary>
internal struct RandomBits(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The next 64 random bits.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Standard normal numbers, by Box and Muller.</summary>
    public void FillGaussian(Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
            values[i] = (float)(radius * Math.Cos(2 * Math.PI * NextDouble()));
        }
    }
}
