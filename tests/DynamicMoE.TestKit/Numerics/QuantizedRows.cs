namespace DynamicMoE.TestKit.Numerics;

/// <summary>The formats q8 and q4: along a row, blocks of 32 integers times one scale. What is stored is what counts here: values are scale * integer,
/// exact in double.</summary>
public static class QuantizedRows
{
    /// <summary>Elements that share a scale; the last block of a row may have fewer.</summary>
    public const int Block = 32;

    // A block of activations whose largest magnitude is below is stored as zeros.
    private const double Smallest = 1.0 / (1L << 60) / (1L << 59);

    /// <summary>Weights as they are stored.</summary>
    /// <param name="matrix"><c>[rows, columns]</c>.</param>
    /// <param name="columns">Elements of a row.</param>
    /// <param name="format">Q8 or Q4.</param>
    public static double[] Weights(ReadOnlySpan<float> matrix, int columns, ReferenceFormat format)
    {
        var stored = new double[matrix.Length];
        for (int row = 0; row < matrix.Length; row += columns)
        {
            for (int first = 0; first < columns; first += Block)
            {
                int count = Math.Min(Block, columns - first);
                RoundWeights(matrix.Slice(row + first, count), format, stored.AsSpan(row + first, count));
            }
        }

        return stored;
    }

    /// <summary>Activations as they are stored.</summary>
    /// <param name="row">binary32 values.</param>
    public static double[] Activations(ReadOnlySpan<double> row)
    {
        var stored = new double[row.Length];
        for (int first = 0; first < row.Length; first += Block)
        {
            ReadOnlySpan<double> block = row.Slice(first, Math.Min(Block, row.Length - first));
            float largest = (float)Largest(block);
            for (int i = 0; i < block.Length && largest >= Smallest; i++)
            {
                stored[first + i] = (double)(largest / 127) * MathF.Round((float)block[i] * (127 / largest), MidpointRounding.ToEven);
            }
        }

        return stored;
    }

    /// <summary>Activations that a float32 computation knows within a bound, as they are stored: near the middle of two integers it may take either.</summary>
    /// <param name="row">Exact values.</param>
    /// <param name="bounds">[in, out] Errors of the computation; then those of what is stored against what is returned.</param>
    public static double[] Activations(ReadOnlySpan<double> row, Span<double> bounds)
    {
        var stored = new double[row.Length];
        for (int first = 0; first < row.Length; first += Block)
        {
            int count = Math.Min(Block, row.Length - first);
            Span<double> error = bounds.Slice(first, count);
            double most = Largest(error), scale = Largest(row.Slice(first, count)) / 127;

            // The largest magnitude errs by no more than the element that errs most; the division rounds once more.
            double scaleError = (most / 127) + (2 * Tolerance.U * scale);
            for (int i = 0; i < count; i++)
            {
                stored[first + i] = Store(row[first + i], scale, scaleError, ref error[i]);
            }
        }

        return stored;
    }

    private static double Store(double value, double scale, double scaleError, ref double error)
    {
        if (scaleError >= scale / 2)
        {
            // Nothing of the block is known but its size.
            error = (128 * (scale + scaleError)) + Smallest;
            return 0;
        }

        double ratio = value / scale;
        double margin = ((error + (Math.Abs(ratio) * scaleError)) / (scale - scaleError)) + (4 * Tolerance.U * Math.Abs(ratio));
        double stored = Integer(ratio) * scale, miss = 0;
        foreach (double integer in (ReadOnlySpan<double>)[Integer(ratio - margin), Integer(ratio + margin)])
        {
            miss = Math.Max(miss, Math.Abs((integer * (scale - scaleError)) - stored));
            miss = Math.Max(miss, Math.Abs((integer * (scale + scaleError)) - stored));
        }

        error = miss + Smallest;
        return stored;
    }

    private static double Integer(double ratio) => Math.Clamp(Math.Round(ratio, MidpointRounding.ToEven), -127, 127);

    private static double Largest(ReadOnlySpan<double> values)
    {
        double largest = 0;
        foreach (double value in values)
        {
            largest = Math.Max(largest, Math.Abs(value));
        }

        return largest;
    }

    private static void RoundWeights(ReadOnlySpan<float> weights, ReferenceFormat format, Span<double> stored)
    {
        float largest = 0;
        foreach (float weight in weights)
        {
            largest = MathF.Abs(weight) > MathF.Abs(largest) ? weight : largest;
        }

        if (format == ReferenceFormat.Q8)
        {
            _ = RoundWith(weights, (float)(Half)(MathF.Abs(largest) / 127), -127, 127, stored);
            return;
        }

        // Of five scales the one with the smallest sum of squared errors, summed in float32 as the packer does it.
        float smallest = float.PositiveInfinity;
        Span<double> tried = stackalloc double[Block];
        foreach (float divisor in (ReadOnlySpan<float>)[-8, -7.75f, -7.5f, -7.25f, -7])
        {
            float error = RoundWith(weights, (float)(Half)(largest / divisor), -8, 7, tried);
            if (error < smallest)
            {
                smallest = error;
                tried[..weights.Length].CopyTo(stored);
            }
        }
    }

    private static float RoundWith(ReadOnlySpan<float> weights, float scale, float low, float high, Span<double> stored)
    {
        float inverse = scale == 0 ? 0 : 1 / scale, error = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            float integer = Math.Clamp(MathF.Round(weights[i] * inverse, MidpointRounding.ToEven), low, high);
            float miss = weights[i] - (scale * integer);
            error += miss * miss;
            stored[i] = (double)scale * integer;
        }

        return error;
    }
}
