namespace DynamicMoE.Server;

/// <summary>The binary body, version 1: a header of 40 bytes, then arrays without padding; everything little-endian. The README has the table.</summary>
internal static class BinaryFormat
{
    public const int HeaderBytes = 40;
    public const ushort Version = 1;
    public const ushort Request = 1;
    public const ushort Reply = 2;
    public const ushort Float32 = 1;
    public const ushort BFloat16 = 2;
    public const ushort RoutingFlag = 1;
    public const ushort LogitsFlag = 2;

    public static ReadOnlySpan<byte> Magic => "DMOE"u8;
}
