namespace DynamicMoE.Models;

/// <summary>The bytes of a file: mapped, or held in memory.</summary>
internal abstract class TensorBytes : IDisposable
{
    public abstract long Length { get; }

    /// <summary>Copies bytes. The caller has checked that they exist.</summary>
    public abstract void Read(long offset, Span<byte> destination);

    public abstract void Dispose();

    /// <summary>Maps a file. It must keep its length while it is mapped.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static TensorBytes Map(string path)
    {
        MappedFile file = MappedFile.Open(path);
        return new Mapped(file, 0, file.Length, owned: true);
    }

    /// <summary>A part of a mapped file, which the caller keeps.</summary>
    public static TensorBytes Part(MappedFile file, long start, long length) => new Mapped(file, start, length, owned: false);

    /// <summary>Reads a stream to its end.</summary>
    public static TensorBytes Hold(Stream stream)
    {
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return new Held(copy.ToArray());
    }

    /// <summary>Bytes of the caller, which stay as they are.</summary>
    public static TensorBytes Hold(ReadOnlyMemory<byte> bytes) => new Held(bytes);

    private sealed class Held(ReadOnlyMemory<byte> bytes) : TensorBytes
    {
        public override long Length => bytes.Length;

        public override void Read(long offset, Span<byte> destination) => bytes.Span.Slice((int)offset, destination.Length).CopyTo(destination);

        public override void Dispose()
        {
        }
    }

    private sealed class Mapped(MappedFile file, long start, long length, bool owned) : TensorBytes
    {
        public override long Length => length;

        public override void Read(long offset, Span<byte> destination) => file.Read(start + offset, destination);

        public override void Dispose()
        {
            if (owned)
            {
                file.Dispose();
            }
        }
    }
}
