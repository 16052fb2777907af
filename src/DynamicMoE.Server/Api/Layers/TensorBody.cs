using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace DynamicMoE.Server;

/// <summary>Writes arrays as they lie in memory: little-endian, as every platform that is shipped has them.</summary>
internal static class TensorBody
{
    // What is buffered before the connection is waited for.
    private const int FlushBytes = 1 << 18;

    // Of float and of int, which is all there is.
    private const int ValueBytes = 4;

    public static async ValueTask WriteAsync<T>(PipeWriter output, T[] values, CancellationToken cancellationToken)
        where T : unmanaged
    {
        long bytes = (long)values.Length * ValueBytes;
        for (long first = 0; first < bytes; first += FlushBytes)
        {
            Copy(output, values, (int)(first / ValueBytes), FlushBytes / ValueBytes);
            if (first + FlushBytes < bytes)
            {
                _ = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static void Copy<T>(PipeWriter output, T[] values, int first, int most)
        where T : unmanaged =>
        output.Write(MemoryMarshal.AsBytes(values.AsSpan(first, Math.Min(most, values.Length - first))));
}
