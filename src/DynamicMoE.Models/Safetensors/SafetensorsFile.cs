using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace DynamicMoE.Models;

/// <summary>A safetensors file: its header, checked as a whole when it is opened, and its tensors, read on demand.</summary>
/// <remarks>The file is mapped into memory and must not change while it is open. Many threads may read at once.</remarks>
public sealed class SafetensorsFile : IDisposable
{
    /// <summary>Largest header that is read: the limit of the reference implementation, 100 MB.</summary>
    public const long MaxHeaderBytes = 100_000_000;

    /// <summary>Largest tensor that is read: 2^31 - 1 bytes.</summary>
    public const long MaxTensorBytes = int.MaxValue;

    private const int PrefixBytes = sizeof(ulong);

    private readonly TensorBytes _bytes;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;
    private bool _disposed;

    private SafetensorsFile(string name, TensorBytes bytes)
    {
        Name = name;
        _bytes = bytes;
        _header = new SafetensorsHeader(name);
        _dataStart = ReadHeader();
    }

    /// <summary>Name for messages: the path, or what the caller gave with a stream.</summary>
    public string Name { get; }

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => _header.Tensors;

    /// <summary>The text-to-text map of <c>__metadata__</c>; empty when there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Maps a file and checks its header.</summary>
    /// <param name="path">Path of the file.</param>
    /// <returns>The file; dispose it to unmap it.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="CheckpointFormatException">The file cannot be opened, or breaks the format; the message names tensor and value.</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return Create(path, TensorBytes.Map(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CheckpointFormatException(path, null, $"cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Reads a stream to its end and checks the header. The stream is not disposed.</summary>
    /// <param name="stream">A readable stream of at most 2 GB.</param>
    /// <param name="name">Name for messages.</param>
    /// <returns>The file.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="CheckpointFormatException">The stream cannot be read, or breaks the format; the message names tensor and value.</exception>
    public static SafetensorsFile Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(name);
        try
        {
            return Create(name, TensorBytes.Hold(stream));
        }
        catch (Exception e) when (e is IOException or NotSupportedException)
        {
            throw new CheckpointFormatException(name, null, $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Checks the header of a file that is in memory. Nothing is copied.</summary>
    /// <param name="bytes">The whole file; not to be changed while this is used.</param>
    /// <param name="name">Name for messages.</param>
    /// <returns>The file.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is null.</exception>
    /// <exception cref="CheckpointFormatException">The bytes break the format; the message names tensor and value.</exception>
    public static SafetensorsFile Read(ReadOnlyMemory<byte> bytes, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Create(name, TensorBytes.Hold(bytes));
    }

    /// <summary>Reads a floating-point tensor, widened to float32.</summary>
    /// <param name="tensor">A tensor of this file, of type F32, F16 or BF16.</param>
    /// <param name="destination">[out] All elements, row-major.</param>
    /// <exception cref="ArgumentNullException"><paramref name="tensor"/> is null.</exception>
    /// <exception cref="ArgumentException">The tensor is not of this file, or the span is not as long as the tensor has elements.</exception>
    /// <exception cref="CheckpointFormatException">The tensor has another type, or more than <see cref="MaxTensorBytes"/> bytes.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public void ReadFloat32(TensorInfo tensor, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        RequireReadable(tensor);
        if (tensor.Type != TensorType.F32)
        {
            RequireBits16(tensor);
        }

        RequireSpan(tensor, destination.Length, tensor.ElementCount);
        if (tensor.Type == TensorType.F32)
        {
            Copy(tensor, MemoryMarshal.AsBytes(destination));
            return;
        }

        // The 16-bit halves are read into the upper half of the destination and widened from its front, which never overtakes them.
        Span<ushort> halves = MemoryMarshal.Cast<float, ushort>(destination)[destination.Length..];
        ReadBits16(tensor, halves);
        bool half = tensor.Type == TensorType.F16;
        for (int i = 0; i < destination.Length; i++)
        {
            ushort bits = halves[i];
            destination[i] = half ? (float)BitConverter.UInt16BitsToHalf(bits) : BitConverter.UInt32BitsToSingle((uint)bits << 16);
        }
    }

    /// <summary>Reads the bits of a 16-bit floating-point tensor.</summary>
    /// <param name="tensor">A tensor of this file, of type F16 or BF16.</param>
    /// <param name="destination">[out] All elements, row-major.</param>
    /// <exception cref="ArgumentNullException"><paramref name="tensor"/> is null.</exception>
    /// <exception cref="ArgumentException">The tensor is not of this file, or the span is not as long as the tensor has elements.</exception>
    /// <exception cref="CheckpointFormatException">The tensor has another type, or more than <see cref="MaxTensorBytes"/> bytes.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public void ReadBits16(TensorInfo tensor, Span<ushort> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        RequireBits16(tensor);
        RequireReadable(tensor);
        RequireSpan(tensor, destination.Length, tensor.ElementCount);
        Copy(tensor, MemoryMarshal.AsBytes(destination));
    }

    /// <summary>Reads the bytes of a tensor of any type.</summary>
    /// <param name="tensor">A tensor of this file.</param>
    /// <param name="destination">[out] All bytes, little-endian elements, row-major.</param>
    /// <exception cref="ArgumentNullException"><paramref name="tensor"/> is null.</exception>
    /// <exception cref="ArgumentException">The tensor is not of this file, or the span is not as long as the tensor has bytes.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public void ReadBytes(TensorInfo tensor, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        RequireSpan(tensor, destination.Length, tensor.ByteCount);
        Copy(tensor, destination);
    }

    /// <summary>Unmaps the file. A second call does nothing.</summary>
    public void Dispose()
    {
        _disposed = true;
        _bytes.Dispose();
    }

    /// <summary>A safetensors file inside a mapped one, which must stay open.</summary>
    internal static SafetensorsFile Open(MappedFile file, long start, long length, string name) =>
        Create(name, TensorBytes.Part(file, start, length));

    /// <summary>Copies bytes [<paramref name="first"/>, first + length) of a tensor of this file; the caller has checked that they exist.</summary>
    internal void ReadPart(TensorInfo tensor, long first, Span<byte> destination) => _bytes.Read(_dataStart + tensor.Begin + first, destination);

    private static SafetensorsFile Create(string name, TensorBytes bytes)
    {
        try
        {
            return new SafetensorsFile(name, bytes);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private long ReadHeader()
    {
        if (_bytes.Length < PrefixBytes)
        {
            throw new CheckpointFormatException(Name, null, $"the file has {_bytes.Length} bytes, at least {PrefixBytes} are needed.");
        }

        Span<byte> prefix = stackalloc byte[PrefixBytes];
        _bytes.Read(0, prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        long limit = Math.Min(MaxHeaderBytes, _bytes.Length - PrefixBytes);
        if (length > (ulong)limit)
        {
            throw new CheckpointFormatException(Name, null, $"the header length is {length}, between 2 and {limit} bytes are allowed.");
        }

        var json = new byte[(int)length];
        _bytes.Read(PrefixBytes, json);
        long dataStart = PrefixBytes + (long)length;
        _header.Read(json, _bytes.Length - dataStart);
        return dataStart;
    }

    private void RequireBits16(TensorInfo tensor)
    {
        if (tensor.Type is not (TensorType.F16 or TensorType.BF16))
        {
            throw new CheckpointFormatException(Name, tensor.Name, $"dtype is {tensor.Type.Name()}, one of F32, F16, BF16 is needed.");
        }
    }

    // A span of bytes holds no more.
    private void RequireReadable(TensorInfo tensor)
    {
        if (tensor.ByteCount > MaxTensorBytes)
        {
            throw new CheckpointFormatException(Name, tensor.Name, $"has {tensor.ByteCount} bytes, at most {MaxTensorBytes} can be read.");
        }
    }

    // Called before the destination, here its length, is seen as bytes: of a readable tensor that view exists, of a longer span it may not.
    private void RequireSpan(TensorInfo tensor, int destination, long needed)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!Tensors.TryGetValue(tensor.Name, out TensorInfo? own) || !ReferenceEquals(own, tensor))
        {
            throw new ArgumentException($"Tensor {Printable.Quote(tensor.Name)} is not of {Name}.", nameof(tensor));
        }

        if (destination != needed)
        {
            throw new ArgumentException($"The span has {destination} elements, tensor {Printable.Quote(tensor.Name)} needs {needed}.", nameof(destination));
        }
    }

    private void Copy(TensorInfo tensor, Span<byte> destination) => _bytes.Read(_dataStart + tensor.Begin, destination);
}
