namespace DynamicMoE.Cli.Benchmarking;

/// <summary>
/// One matrix of random weights that the format holds exactly, so that every implementation computes with the same ones: bfloat16 numbers, or
/// blocks of 32 integers and a scale. Uniform within the given deviation. A buffer: filled anew for each expert.
/// </summary>
internal sealed class WeightMatrix
{
    private readonly WeightFormat _format;

    public WeightMatrix(int rows, int columns, WeightFormat format)
    {
        Rows = rows;
        Columns = columns;
        _format = format;
        Blocks = (columns + LayerFormats.Block - 1) / LayerFormats.Block;
        Values = new float[rows * columns];
        bool quantized = LayerFormats.IsQuantized(format);
        Integers = quantized ? new sbyte[rows * columns] : [];
        Scales = quantized ? new float[rows * Blocks] : [];
    }

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>Blocks of a row.</summary>
    public int Blocks { get; }

    /// <summary><c>[Rows, Columns]</c>.</summary>
    public float[] Values { get; }

    /// <summary><c>[Rows, Columns]</c>: values over scales; empty unless the format is quantised.</summary>
    public sbyte[] Integers { get; }

    /// <summary><c>[Rows, Blocks]</c>, each a float16 number; empty unless the format is quantised.</summary>
    public float[] Scales { get; }

    /// <summary>Draws all weights; rows in parallel, each from a seed of its own.</summary>
    public void Fill(ulong seed, double deviation) => Parallel.For(0, Rows, row =>
    {
        var random = new RandomBits(new RandomBits(seed + (ulong)row).Next());
        Span<float> values = Values.AsSpan(row * Columns, Columns);
        switch (_format)
        {
            case WeightFormat.Float32:
                FillSingle(ref random, values, deviation);
                break;
            case WeightFormat.BFloat16:
                FillBFloat16(ref random, values, deviation);
                break;
            default:
                FillBlocks(ref random, row, values, deviation);
                break;
        }
    });

    /// <summary>Uniform float32 numbers of a deviation.</summary>
    public static void FillSingle(ref RandomBits random, Span<float> values, double deviation)
    {
        var scale = (float)(Math.Sqrt(3) * deviation / int.MaxValue);
        for (int i = 0; i < values.Length; i += 2)
        {
            ulong bits = random.Next();
            values[i] = (int)bits * scale;
            if (i + 1 < values.Length)
            {
                values[i + 1] = (int)(bits >> 32) * scale;
            }
        }
    }

    /// <summary>Uniform bfloat16 numbers of a deviation.</summary>
    public static void FillBFloat16(ref RandomBits random, Span<float> values, double deviation)
    {
        var scale = (float)(Math.Sqrt(3) * deviation / short.MaxValue);
        ulong bits = 0;
        for (int i = 0; i < values.Length; i++)
        {
            bits = i % 4 == 0 ? random.Next() : bits >> 16;
            // Cutting the lower half leaves a bfloat16 number.
            values[i] = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits((short)bits * scale) & 0xFFFF0000);
        }
    }

    private void FillBlocks(ref RandomBits random, int row, Span<float> values, double deviation)
    {
        // Limits of the integers; the first of a block is the lower one, which tells any quantiser the block's scale: the largest value / -8 in q4, / 127 in q8.
        int lowest = _format == WeightFormat.Q8 ? -127 : -8, highest = _format == WeightFormat.Q8 ? 127 : 7;
        double step = deviation * Math.Sqrt(12) / (highest - lowest + 1);
        Span<sbyte> integers = Integers.AsSpan(row * Columns, Columns);
        for (int block = 0; block < Blocks; block++)
        {
            int start = block * LayerFormats.Block, end = Math.Min(Columns, start + LayerFormats.Block);
            var scale = (float)(Half)(step * (0.75 + (random.NextDouble() / 2)));
            Scales[(row * Blocks) + block] = scale;
            ulong bits = 0;
            for (int i = start; i < end; i++)
            {
                bits = (i - start) % 4 == 0 ? random.Next() : bits >> 16;
                // 16 random bits times the number of integers, over 2^16: uniform without a division. Only the first may be the lowest.
                int value = i == start ? lowest : lowest + 1 + (int)(((bits & 0xFFFF) * (ulong)(highest - lowest)) >> 16);
                integers[i] = (sbyte)value;
                values[i] = value * scale;
            }
        }
    }
}
