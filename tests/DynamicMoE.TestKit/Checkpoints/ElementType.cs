using System.Buffers.Binary;
using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Checkpoints;

/// <summary>How a checkpoint stores its numbers.</summary>
public enum ElementType
{
    /// <summary>binary32.</summary>
    F32,

    /// <summary>bfloat16.</summary>
    Bf16,

    /// <summary>binary16.</summary>
    F16,
}

/// <summary>Encodes numbers as a checkpoint stores them.</summary>
public static class ElementTypes
{
    /// <summary>The format's name in safetensors.</summary>
    public static string SafetensorsName(this ElementType type) => type.ToString().ToUpperInvariant();

    /// <summary>The format's name in config.json's torch_dtype.</summary>
    public static string TorchName(this ElementType type) => type switch
    {
        ElementType.Bf16 => "bfloat16",
        ElementType.F16 => "float16",
        _ => "float32",
    };

    /// <summary>Rounds to the format, nearest even.</summary>
    public static float Round(this ElementType type, float value) => type switch
    {
        ElementType.Bf16 => Bf16.Round(value),
        ElementType.F16 => (float)(Half)value,
        _ => value,
    };

    /// <summary>Little-endian bytes of the rounded values.</summary>
    public static byte[] Encode(this ElementType type, ReadOnlySpan<double> values)
    {
        int size = type == ElementType.F32 ? 4 : 2;
        var bytes = new byte[values.Length * size];
        for (int i = 0; i < values.Length; i++)
        {
            Span<byte> target = bytes.AsSpan(i * size);
            float value = (float)values[i];
            switch (type)
            {
                case ElementType.Bf16:
                    BinaryPrimitives.WriteUInt16LittleEndian(target, Bf16.FromSingle(value));
                    break;
                case ElementType.F16:
                    BinaryPrimitives.WriteHalfLittleEndian(target, (Half)value);
                    break;
                default:
                    BinaryPrimitives.WriteSingleLittleEndian(target, value);
                    break;
            }
        }

        return bytes;
    }
}
