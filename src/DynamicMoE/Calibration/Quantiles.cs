namespace DynamicMoE;

/// <summary>Quantiles of samples at the levels (i + 0.5) / count, as in <see cref="QuantileTable"/>.</summary>
internal static class Quantiles
{
    /// <summary>Values of a table of scores, and of a table of gaps.</summary>
    internal const int ScoreValues = 64, GapValues = 256;

    /// <summary>Reads the quantiles off, linear between neighbouring samples.</summary>
    /// <param name="samples">Finite values, at least 1; sorted in place.</param>
    /// <param name="count">Quantiles.</param>
    internal static float[] Of(Span<float> samples, int count)
    {
        samples.Sort();
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = At(samples, (i + 0.5) / count);
        }

        return values;
    }

    /// <summary>The value at a level of 0..1 of ascending values, which stand at the levels (i + 0.5) / Length.</summary>
    internal static float At(ReadOnlySpan<float> ascending, double level)
    {
        double place = Math.Clamp((level * ascending.Length) - 0.5, 0, ascending.Length - 1);
        int low = (int)place;
        int high = Math.Min(low + 1, ascending.Length - 1);
        return (float)(ascending[low] + ((place - low) * ((double)ascending[high] - ascending[low])));
    }

    /// <summary>Different values among sorted ones.</summary>
    internal static int Distinct(ReadOnlySpan<float> sorted)
    {
        int distinct = sorted.IsEmpty ? 0 : 1;
        for (int i = 1; i < sorted.Length; i++)
        {
            distinct += sorted[i] == sorted[i - 1] ? 0 : 1;
        }

        return distinct;
    }
}
