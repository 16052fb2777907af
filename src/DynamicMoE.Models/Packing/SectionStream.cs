using System.IO.Hashing;

namespace DynamicMoE.Models;

/// <summary>Passes the bytes of one section on and sums them up. Cancellation is seen at each write.</summary>
internal sealed class SectionStream(Stream destination, CancellationToken cancellation) : Stream
{
    private readonly XxHash128 _hash = new();
    private long _written;

    public UInt128 Checksum => _hash.GetCurrentHashAsUInt128();

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _written;

    public override long Position
    {
        get => _written;
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        cancellation.ThrowIfCancellationRequested();
        destination.Write(buffer);
        _hash.Append(buffer);
        _written += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
