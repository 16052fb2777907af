namespace DynamicMoE.TestKit.Numerics;

/// <summary>bfloat16 as bits: the upper half of a binary32, rounded to nearest even.</summary>
public static class Bf16
{
    /// <summary>Unit roundoff: the largest relative error of one rounding, 2^-8 (8 significant bits).</summary>
    public const double UnitRoundoff = 1.0 / 256;

    /// <summary>Rounds to nearest, ties to even. NaN stays NaN; overflow becomes infinity.</summary>
    public static ushort FromSingle(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
        {
            // The payload may sit in the dropped half only: setting the quiet bit keeps it a NaN.
            return (ushort)((bits >> 16) | 0x40);
        }

        uint half = 0x7FFF + ((bits >> 16) & 1);
        return (ushort)((bits + half) >> 16);
    }

    /// <summary>Widens; exact.</summary>
    public static float ToSingle(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>The nearest bfloat16 of a value, as a binary32.</summary>
    public static float Round(float value) => ToSingle(FromSingle(value));

    /// <summary>The nearest bfloat16 of a value that is first rounded to binary32, as the kernels do it.</summary>
    public static double Round(double value) => ToSingle(FromSingle((float)value));

    /// <summary>Rounds every element.</summary>
    public static ushort[] FromSingles(ReadOnlySpan<float> values)
    {
        var result = new ushort[values.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = FromSingle(values[i]);
        }

        return result;
    }
}
