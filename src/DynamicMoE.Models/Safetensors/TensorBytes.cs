using System.IO.MemoryMappedFiles;

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
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        try
        {
            long length = stream.Length;
            if (length == 0)
            {
                stream.Dispose();
                return new Held([]);
            }

            return new Mapped(stream, length);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads a stream to its end.</summary>
    public static TensorBytes Hold(Stream stream)
    {
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return new Held(copy.ToArray());
    }

    private sealed class Held(byte[] bytes) : TensorBytes
    {
        public override long Length => bytes.Length;

        public override void Read(long offset, Span<byte> destination) => bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);

        public override void Dispose()
        {
        }
    }

    private sealed class Mapped : TensorBytes
    {
        private readonly MemoryMappedFile _file;
        private readonly MemoryMappedViewStream _view;
        private readonly Lock _position = new();

        public Mapped(FileStream stream, long length)
        {
            Length = length;
            _file = MemoryMappedFile.CreateFromFile(stream, null, length, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            try
            {
                _view = _file.CreateViewStream(0, length, MemoryMappedFileAccess.Read);
            }
            catch
            {
                _file.Dispose();
                throw;
            }
        }

        public override long Length { get; }

        public override void Read(long offset, Span<byte> destination)
        {
            lock (_position)
            {
                _view.Position = offset;
                _view.ReadExactly(destination);
            }
        }

        public override void Dispose()
        {
            _view.Dispose();
            _file.Dispose();
        }
    }
}
