namespace DynamicMoE.Models;

/// <summary>One part of a packed file.</summary>
/// <param name="Name">Unique name, 1 to 63 ASCII characters.</param>
/// <param name="Offset">First byte, a multiple of <see cref="Alignment"/>.</param>
/// <param name="Length">Bytes, at least 1.</param>
/// <param name="Checksum">XXH128 of the bytes.</param>
internal readonly record struct PackedSection(string Name, long Offset, long Length, UInt128 Checksum)
{
    /// <summary>The smallest page: what is read of one section is not read of another.</summary>
    public const int Alignment = 4096;

    public const string Config = "config.json", Tensors = "tensors";

    /// <summary>The routed experts of a layer.</summary>
    public static string Experts(int layer) => $"experts.{layer}";

    /// <summary>The shared experts of a layer.</summary>
    public static string Shared(int layer) => $"shared.{layer}";

    /// <summary>The first offset that a section after this byte may have.</summary>
    public static long Align(long offset) => (offset + Alignment - 1) / Alignment * Alignment;
}
