namespace DynamicMoE.Models;

/// <summary>What the formats of weights can hold; the native core refuses the rest.</summary>
internal static class FormatRange
{
    /// <summary>The largest magnitude that a format takes.</summary>
    public static float Largest(WeightFormat format) => format switch
    {
        // Half a step above the largest bfloat16 rounding gives infinity.
        WeightFormat.BFloat16 => BitConverter.UInt32BitsToSingle(0x7F7F7FFF),

        // A block's largest value over 127 or 7 is its scale, a binary16, whose largest is 65504.
        WeightFormat.Q8 => 127 * 65504f,
        WeightFormat.Q4 => 7 * 65504f,
        _ => float.MaxValue,
    };
}
