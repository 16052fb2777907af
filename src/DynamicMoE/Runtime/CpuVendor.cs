using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace DynamicMoE;

/// <summary>Who made the processor. Vendors may round an instruction differently where its definition leaves that open.</summary>
internal static class CpuVendor
{
    /// <summary>Most characters of a name.</summary>
    internal const int MaxLength = 16;

    /// <summary>What CPUID gives, such as AuthenticAMD or GenuineIntel; elsewhere the architecture's name.</summary>
    internal static string Name { get; } = Query();

    private static string Query()
    {
        if (!X86Base.IsSupported)
        {
            return RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        }

        (_, int first, int last, int middle) = X86Base.CpuId(0, 0);
        Span<byte> text = stackalloc byte[12];
        BinaryPrimitives.WriteInt32LittleEndian(text, first);
        BinaryPrimitives.WriteInt32LittleEndian(text[4..], middle);
        BinaryPrimitives.WriteInt32LittleEndian(text[8..], last);
        return Encoding.ASCII.GetString(text).TrimEnd('\0', ' ');
    }
}
