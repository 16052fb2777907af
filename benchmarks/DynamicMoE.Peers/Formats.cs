namespace DynamicMoE.Peers;

/// <summary>What depends on the format of the weights.</summary>
internal static class Formats
{
    /// <summary>Names on the command line and in results.</summary>
    public static IReadOnlyDictionary<string, WeightFormat> ByName { get; } =
        new Dictionary<string, WeightFormat> { ["f32"] = WeightFormat.Float32, ["bf16"] = WeightFormat.BFloat16 };

    public static string Name(WeightFormat format) => ByName.Single(pair => pair.Value == format).Key;

    public static int BytesPerWeight(WeightFormat format) => format == WeightFormat.Float32 ? 4 : 2;

    /// <summary>
    /// Largest relative error of one logit. A router in bfloat16 rounds its output to 8 bits, twice what rounding to nearest costs is allowed; in
    /// float32 the error of a dot product of a few thousand terms is far below 2^-16.
    /// </summary>
    public static double LogitError(WeightFormat format) => format == WeightFormat.Float32 ? 1.0 / 65536 : 1.0 / 256;

    /// <summary>
    /// Largest relative error of a token's output, |y - reference| / |reference|. A wrong expert, row or weight errs by more than 0.1. float32: sums of
    /// a few thousand terms in any order. bfloat16: eight roundings of up to 2^-8 one after another (logit, gate weight, gate, up, silu, product,
    /// down, sum), each on its own result.
    /// </summary>
    public static double OutputError(WeightFormat format) => format == WeightFormat.Float32 ? 1e-4 : 8.0 / 256;
}
