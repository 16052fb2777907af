using System.IO.MemoryMappedFiles;
using DynamicMoE.Native;
using Microsoft.Win32.SafeHandles;

namespace DynamicMoE;

/// <summary>A file mapped into memory for reading. Pages are read when they are first used. Many threads may read at once.</summary>
/// <remarks>The file must keep its length while anything uses the mapping: a page that is gone ends the process. To replace it, write another
/// file and rename it over this one. What was made from the mapping keeps it, also after <see cref="Dispose"/>.</remarks>
public sealed class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private bool _disposed;

    /// <summary>Maps a file that is open; takes the stream over when it succeeds.</summary>
    /// <exception cref="IOException">The file cannot be mapped.</exception>
    internal MappedFile(string path, FileStream stream)
    {
        Path = path;
        Length = stream.Length;
        if (Length == 0)
        {
            stream.Dispose();
            return;
        }

        try
        {
            _file = MemoryMappedFile.CreateFromFile(stream, null, Length, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            _view = _file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        }
        catch (ArgumentException e)
        {
            // The arguments say how long the file is.
            _file?.Dispose();
            throw new IOException($"'{path}' had {Length} bytes when it was opened and another length when it was mapped.", e);
        }
        catch
        {
            _file?.Dispose();
            throw;
        }
    }

    /// <summary>The path that was opened.</summary>
    public string Path { get; }

    /// <summary>Bytes of the file when it was opened.</summary>
    public long Length { get; }

    /// <summary>Maps a file.</summary>
    /// <param name="path">Path of a file.</param>
    /// <returns>The mapping; dispose it when nothing more is read or made from it.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="IOException">The file is missing, cannot be mapped, or changes its length meanwhile.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or is a folder.</exception>
    /// <exception cref="NotSupportedException">It is no file that can be mapped.</exception>
    public static MappedFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        try
        {
            return new MappedFile(path, stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Copies bytes.</summary>
    /// <param name="offset">First byte, 0..<see cref="Length"/>.</param>
    /// <param name="destination">[out] As many bytes as it is long; all of them lie in the file.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the file.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        RequireRange(offset, destination.Length);
        if (!destination.IsEmpty)
        {
            MappedMemory.Copy(_view!.SafeMemoryMappedViewHandle, offset, destination);
        }
    }

    /// <summary>Unmaps the file once nothing that was made from it uses it. A second call does nothing.</summary>
    public void Dispose()
    {
        _disposed = true;
        _view?.Dispose();
        _file?.Dispose();
    }

    /// <summary>The mapping, for a range that is checked.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the file, or is empty.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    internal SafeMemoryMappedViewHandle View(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        RequireRange(offset, length);
        return _view!.SafeMemoryMappedViewHandle;
    }

    private void RequireRange(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
    }
}
