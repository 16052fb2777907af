namespace DynamicMoE.TestKit.Generators;

/// <summary>SplitMix64 with a Box-Muller normal: the same numbers on every runtime version, unlike System.Random.</summary>
public sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The next 64 random bits.</summary>
    public ulong NextBits()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Uniform in [0, 1) with 53 bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public int NextInt(int low, int high) => low + (int)(NextDouble() * (high - low));

    /// <summary>Standard normal.</summary>
    public double NextGaussian()
    {
        double radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
        return radius * Math.Cos(2 * Math.PI * NextDouble());
    }

    /// <summary>Normal numbers of the given deviation.</summary>
    public float[] Gaussian(int count, double deviation = 1)
    {
        var result = new float[count];
        for (int i = 0; i < count; i++)
        {
            result[i] = (float)(NextGaussian() * deviation);
        }

        return result;
    }

    /// <summary>Uniform numbers in [low, high).</summary>
    public float[] Uniform(int count, double low = 0, double high = 1)
    {
        var result = new float[count];
        for (int i = 0; i < count; i++)
        {
            result[i] = (float)(low + (NextDouble() * (high - low)));
        }

        return result;
    }
}
