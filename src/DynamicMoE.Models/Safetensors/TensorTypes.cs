namespace DynamicMoE.Models;

/// <summary>Names and sizes of element types as safetensors spells them.</summary>
internal static class TensorTypes
{
    private static readonly (string Name, TensorType Type, int Bytes)[] Known =
    [
        ("F32", TensorType.F32, 4),
        ("F16", TensorType.F16, 2),
        ("BF16", TensorType.BF16, 2),
        ("F64", TensorType.F64, 8),
        ("F8_E4M3", TensorType.F8E4M3, 1),
        ("F8_E5M2", TensorType.F8E5M2, 1),
        ("I64", TensorType.I64, 8),
        ("I32", TensorType.I32, 4),
        ("I16", TensorType.I16, 2),
        ("I8", TensorType.I8, 1),
        ("U64", TensorType.U64, 8),
        ("U32", TensorType.U32, 4),
        ("U16", TensorType.U16, 2),
        ("U8", TensorType.U8, 1),
        ("BOOL", TensorType.Bool, 1),
    ];

    /// <summary>All names, for messages.</summary>
    public static string Names { get; } = string.Join(", ", Known.Select(k => k.Name));

    /// <summary>Finds a type by its name in the file.</summary>
    public static bool TryParse(string name, out TensorType type)
    {
        foreach (var known in Known)
        {
            if (known.Name == name)
            {
                type = known.Type;
                return true;
            }
        }

        type = default;
        return false;
    }

    /// <summary>Bytes of one element.</summary>
    public static int Size(this TensorType type) => Array.Find(Known, k => k.Type == type).Bytes;

    /// <summary>The name in the file.</summary>
    public static string Name(this TensorType type) => Array.Find(Known, k => k.Type == type).Name;
}
