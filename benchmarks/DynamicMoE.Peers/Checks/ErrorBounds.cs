namespace DynamicMoE.Peers.Checks;

/// <summary>How far an output may be from the reference in double precision, which computes with the weights as the format holds them.</summary>
internal static class ErrorBounds
{
    /// <summary>
    /// Largest relative error of a token's output, |y - reference| / |reference|. A wrong expert, row or weight errs by more than 0.1.
    /// <list type="bullet">
    /// <item>float32: sums of a few thousand terms in any order.</item>
    /// <item>bfloat16: eight roundings of up to 2^-8 one after another (logit, gate weight, gate, up, silu, product, down, sum), each on its own result.</item>
    /// <item>8-bit activations in blocks of 32 (q8 and q4): the step of a block is its largest value / 127, the error of a rounding has a deviation of
    /// step / sqrt(12), and the largest of 32 values is at most sqrt(32) times their deviation: at most sqrt(32) / (127 sqrt(12)) of the rounded values.
    /// Three products take rounded activations (gate, up, down); errors of all three add up at worst.</item>
    /// </list>
    /// </summary>
    public static double Output(WeightFormat format) => format switch
    {
        WeightFormat.Float32 => 1e-4,
        WeightFormat.BFloat16 => 8.0 / 256,
        _ => 3 * Math.Sqrt(32) / (127 * Math.Sqrt(12)),
    };
}
