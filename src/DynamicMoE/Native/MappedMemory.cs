using System.Runtime.InteropServices;

namespace DynamicMoE.Native;

/// <summary>Copies between memory that has no managed owner and spans.</summary>
internal static unsafe class MappedMemory
{
    /// <summary>Copies bytes out of a mapping; the caller has checked that they exist.</summary>
    internal static void Copy(SafeBuffer view, long offset, Span<byte> destination)
    {
        byte* start = null;
        view.AcquirePointer(ref start);
        try
        {
            new ReadOnlySpan<byte>(start + offset, destination.Length).CopyTo(destination);
        }
        finally
        {
            view.ReleasePointer();
        }
    }

    /// <summary>Writes native memory to a stream.</summary>
    internal static void Write(byte* start, long bytes, Stream destination)
    {
        const int Part = 1 << 24;
        for (long done = 0; done < bytes; done += Part)
        {
            destination.Write(new ReadOnlySpan<byte>(start + done, (int)Math.Min(Part, bytes - done)));
        }
    }
}
