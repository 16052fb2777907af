namespace DynamicMoE.Cli.Benchmarking;

/// <summary>What the machine was measured to reach with a number of threads.</summary>
/// <param name="Threads">Threads.</param>
/// <param name="Float32Flops">Operations per second of the float32 fused multiply-add, two per lane.</param>
/// <param name="Bfloat16Flops">The same of the bfloat16 instruction.</param>
/// <param name="Int8Ops">The same of the 8-bit instruction, which q8 and q4 use.</param>
/// <param name="ReadBytesPerSecond">Bytes per second read from memory.</param>
internal sealed record LayerLimits(int Threads, double Float32Flops, double Bfloat16Flops, double Int8Ops, double ReadBytesPerSecond)
{
    /// <summary>Measures for about two seconds; nothing else may run.</summary>
    public static LayerLimits Measure(int threads)
    {
        MachineLimits limits = MachineLimits.Measure(threads);
        return new LayerLimits(threads, limits.Float32Flops, limits.BFloat16Flops, limits.Int8Ops, limits.ReadBytesPerSecond);
    }

    /// <summary>Operations per second of the instruction that a format uses.</summary>
    public double Peak(WeightFormat format) => format switch
    {
        WeightFormat.Float32 => Float32Flops,
        WeightFormat.BFloat16 => Bfloat16Flops,
        _ => Int8Ops,
    };
}
