using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>A whole body in one array of the shared pool.</summary>
internal sealed class PooledBytes : IDisposable
{
    // What a body announces is believed up to here; beyond, memory follows the bytes that came.
    private const int FirstBytes = 1 << 16;

    private byte[] _array;

    private PooledBytes(byte[] array) => _array = array;

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Memory => _array.AsMemory(0, Length);

    public ReadOnlySpan<byte> Span => _array.AsSpan(0, Length);

    /// <summary>Reads the body to its end. Its limit is Kestrel's, which ends the read with status 413.</summary>
    public static async ValueTask<PooledBytes> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var bytes = new PooledBytes(ArrayPool<byte>.Shared.Rent((int)Math.Clamp(request.ContentLength ?? 0, 1024, FirstBytes)));
        try
        {
            PipeReader body = request.BodyReader;
            while (true)
            {
                ReadResult read = await body.ReadAsync(cancellationToken).ConfigureAwait(false);
                try
                {
                    bytes.Append(read.Buffer);
                }
                finally
                {
                    body.AdvanceTo(read.Buffer.End);
                }

                if (read.IsCompleted)
                {
                    return bytes;
                }
            }
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        byte[] array = Interlocked.Exchange(ref _array, []);
        if (array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(array);
        }
    }

    private void Append(ReadOnlySequence<byte> part)
    {
        long needed = Length + part.Length;
        if (needed > Array.MaxLength)
        {
            throw new ProblemException(Problems.BodyTooLarge(Array.MaxLength));
        }

        if (needed > _array.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max(needed, 2L * _array.Length)));
            Span.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_array);
            _array = larger;
        }

        part.CopyTo(_array.AsSpan(Length));
        Length = (int)needed;
    }
}
