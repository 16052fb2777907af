namespace DynamicMoE.Cli.Benchmarking;

/// <summary>What the machine was measured to reach with a number of threads.</summary>
/// <param name="Threads">Threads.</param>
/// <param name="Float32Flops">Operations per second of the float32 fused multiply-add, two per lane.</param>
/// <param name="Bfloat16Flops">The same of the bfloat16 instruction.</param>
/// <param name="Int8Ops">The same of the 8-bit instruction, which q8 and q4 use.</param>
/// <param name="ReadBytesPerSecond">Bytes per second read from memory.</param>
internal sealed record LayerLimits(int Threads, double Float32Flops, double Bfloat16Flops, double Int8Ops, double ReadBytesPerSecond)
{
    /// <summary>Measures; nothing else may run.</summary>
    /// <param name="threads">Threads.</param>
    /// <param name="budget">About how long; null = two seconds.</param>
    public static LayerLimits Measure(int threads, TimeSpan? budget = null)
    {
        MachineLimits limits = MachineLimits.Measure(threads, budget);
        return new LayerLimits(threads, limits.Float32Flops, limits.BFloat16Flops, limits.Int8Ops, limits.ReadBytesPerSecond);
    }

    /// <summary>Means of two measurements, one before what is compared with them and one after.</summary>
    public static LayerLimits Between(LayerLimits before, LayerLimits after) => new(
        before.Threads,
        (before.Float32Flops + after.Float32Flops) / 2,
        (before.Bfloat16Flops + after.Bfloat16Flops) / 2,
        (before.Int8Ops + after.Int8Ops) / 2,
        (before.ReadBytesPerSecond + after.ReadBytesPerSecond) / 2);

    /// <summary>How far two measurements are apart in what a format meets: the larger quotient of the two figures, less one.</summary>
    public static double Drift(LayerLimits before, LayerLimits after, WeightFormat format) => Math.Max(
        Apart(before.Peak(format), after.Peak(format)), Apart(before.ReadBytesPerSecond, after.ReadBytesPerSecond));

    /// <summary>Operations per second of the instruction that a format uses.</summary>
    public double Peak(WeightFormat format) => format switch
    {
        WeightFormat.Float32 => Float32Flops,
        WeightFormat.BFloat16 => Bfloat16Flops,
        _ => Int8Ops,
    };

    private static double Apart(double one, double other) => (Math.Max(one, other) / Math.Min(one, other)) - 1;
}
