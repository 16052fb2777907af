using System.Buffers.Binary;
using System.Text;

namespace TorchLoading;

/// <summary>Edits the table of needed symbol versions (.gnu.version_r) of a 64-bit little-endian ELF image.</summary>
internal static class ElfVersionNeeds
{
    private const uint SectionTypeVersionNeeds = 0x6ffffffe;
    private const ushort FlagWeak = 2;

    /// <summary>Marks each need of a version as weak, so that the loader accepts a library without it.</summary>
    /// <returns>Whether a flag was changed.</returns>
    /// <exception cref="InvalidDataException">The image is not a 64-bit little-endian ELF file.</exception>
    public static bool MarkWeak(Span<byte> image, string version)
    {
        if (image.Length < 64 || !image.StartsWith("\u007fELF\u0002\u0001"u8))
            throw new InvalidDataException("Not a 64-bit little-endian ELF image.");

        var sections = (int)BinaryPrimitives.ReadUInt64LittleEndian(image[0x28..]);
        var sectionSize = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3a..]);
        var sectionCount = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3c..]);
        var changed = false;
        for (var i = 0; i < sectionCount; i++)
        {
            var header = image[(sections + i * sectionSize)..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) != SectionTypeVersionNeeds)
                continue;
            var strings = (int)BinaryPrimitives.ReadUInt32LittleEndian(header[0x28..]);
            var names = Offset(image[(sections + strings * sectionSize)..]);
            changed |= MarkSection(image, Offset(header), names, Encoding.ASCII.GetBytes(version + '\0'));
        }
        return changed;
    }

    private static int Offset(ReadOnlySpan<byte> sectionHeader) => (int)BinaryPrimitives.ReadUInt64LittleEndian(sectionHeader[0x18..]);

    private static bool MarkSection(Span<byte> image, int library, int names, ReadOnlySpan<byte> version)
    {
        var changed = false;
        for (uint nextLibrary = 1; nextLibrary != 0; library += (int)nextLibrary)
        {
            nextLibrary = BinaryPrimitives.ReadUInt32LittleEndian(image[(library + 12)..]);
            var entry = library + (int)BinaryPrimitives.ReadUInt32LittleEndian(image[(library + 8)..]);
            for (uint nextEntry = 1; nextEntry != 0; entry += (int)nextEntry)
            {
                nextEntry = BinaryPrimitives.ReadUInt32LittleEndian(image[(entry + 12)..]);
                var name = names + (int)BinaryPrimitives.ReadUInt32LittleEndian(image[(entry + 8)..]);
                var flags = BinaryPrimitives.ReadUInt16LittleEndian(image[(entry + 4)..]);
                if (!image[name..].StartsWith(version) || (flags & FlagWeak) != 0)
                    continue;
                BinaryPrimitives.WriteUInt16LittleEndian(image[(entry + 4)..], (ushort)(flags | FlagWeak));
                changed = true;
            }
        }
        return changed;
    }
}
