using DynamicMoE.Cli.Models;

namespace DynamicMoE.Cli.Benchmarking;

/// <summary>What depends on the format of the weights.</summary>
internal static class LayerFormats
{
    /// <summary>Weights that share a scale in the quantised formats.</summary>
    public const int Block = 32;

    private const int ScaleBytes = 2;

    /// <summary>The format of a name that is known to be right.</summary>
    public static WeightFormat Named(string name) => WeightFormats.Find(name)!.Value;

    public static bool IsQuantized(WeightFormat format) => format is WeightFormat.Q8 or WeightFormat.Q4;

    /// <summary>Bytes of one expert without padding, scales of blocks included.</summary>
    public static long ExpertBytes(LayerShape shape, WeightFormat format)
    {
        long scales = (2L * shape.Width * Blocks(shape.Hidden)) + ((long)shape.Hidden * Blocks(shape.Width));
        return format switch
        {
            WeightFormat.Float32 => 4 * shape.WeightsPerExpert,
            WeightFormat.BFloat16 => 2 * shape.WeightsPerExpert,
            WeightFormat.Q8 => shape.WeightsPerExpert + (ScaleBytes * scales),
            WeightFormat.Q4 => ((shape.WeightsPerExpert + 1) / 2) + (ScaleBytes * scales),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
        };
    }

    /// <summary>
    /// Largest relative error of one logit. A router in bfloat16 rounds its output to 8 bits, twice what rounding to nearest costs is allowed; in
    /// float32, which the quantised formats keep for the router, the error of a dot product of a few thousand terms is far below 2^-16.
    /// </summary>
    public static double LogitError(WeightFormat format) => format == WeightFormat.BFloat16 ? 1.0 / 256 : 1.0 / 65536;

    private static long Blocks(int columns) => (columns + Block - 1) / Block;
}
