using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;

namespace DynamicMoE;

/// <summary>Writes the routing decisions of a run: pass by pass, each with the decisions of all layers. One thread at a time may use it.
/// Allocates nothing once its buffer has the size of the largest pass.</summary>
public sealed class RoutingRecordWriter : IDisposable
{
    private readonly WholeFile? _file;
    private readonly Stream _destination;
    private readonly ArrayBufferWriter<byte> _payload = new();
    private readonly XxHash128 _hash = new();
    private long _blocks;
    private long _tokens;
    private int _passTokens;
    private int _layer;
    private bool _complete;
    private bool _disposed;

    /// <summary>Writes to a stream, which is not disposed.</summary>
    /// <param name="destination">Receives the record.</param>
    /// <param name="header">What the run belongs to.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="RouterConfigurationException">A value of the header is outside its range.</exception>
    /// <exception cref="IOException">The stream cannot be written to.</exception>
    public RoutingRecordWriter(Stream destination, RoutingRecordHeader header)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(header);
        header.Validate();
        _destination = destination;
        Header = header;
        _destination.Write(RecordFormat.WriteHeader(header));
    }

    private RoutingRecordWriter(WholeFile file, RoutingRecordHeader header)
        : this(file.Stream, header) => _file = file;

    /// <summary>What the run belongs to.</summary>
    public RoutingRecordHeader Header { get; }

    /// <summary>Makes a file, which appears at its path when <see cref="Complete"/> is called; without that nothing is left behind.</summary>
    /// <param name="path">Path of the file. Its folder exists.</param>
    /// <param name="header">What the run belongs to.</param>
    /// <param name="overwrite">Whether a file at the path is replaced.</param>
    /// <returns>The writer; dispose it.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="header"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">A value of the header is outside its range.</exception>
    /// <exception cref="IOException">The path is taken or a folder, or its folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The path cannot be written to.</exception>
    public static RoutingRecordWriter Create(string path, RoutingRecordHeader header, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(header);
        header.Validate();
        var file = new WholeFile(path, overwrite);
        try
        {
            return new RoutingRecordWriter(file, header);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Begins a pass. A pass whose last layer was not added is forgotten.</summary>
    /// <param name="tokenIds">What the pass runs, 1..1048576 ids; a layer outside a model gives numbers of its own.</param>
    /// <param name="position">Position of the first token in its sequence, at least 0; 0 begins a sequence.</param>
    /// <exception cref="RoutingValidationException">A value is outside its range.</exception>
    /// <exception cref="InvalidOperationException">The record is complete.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void BeginPass(ReadOnlySpan<int> tokenIds, int position)
    {
        RequireOpen();
        if (tokenIds.Length is < 1 or > Limits.MaxTokens || position < 0)
        {
            throw new RoutingValidationException(
                $"A pass of {tokenIds.Length} tokens at position {position} cannot be recorded: 1..{Limits.MaxTokens} tokens, position at least 0.");
        }

        _payload.ResetWrittenCount();
        _passTokens = tokenIds.Length;
        _layer = 0;
        PutInt32(position);
        PutInt32(tokenIds.Length);
        foreach (int id in tokenIds)
        {
            PutInt32(id);
        }
    }

    /// <summary>Adds the decisions of the pass's next layer; with the last layer the pass is written.</summary>
    /// <param name="layer">Ordinal of the layer in the header: 0, 1, 2...</param>
    /// <param name="routes">Decisions for the tokens of the pass.</param>
    /// <exception cref="ArgumentNullException"><paramref name="routes"/> is null.</exception>
    /// <exception cref="RoutingValidationException">The layer is not the next one, or the decisions do not fit the layer or the pass; the pass is forgotten.</exception>
    /// <exception cref="IOException">The record cannot be written.</exception>
    /// <exception cref="InvalidOperationException">The record is complete.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Add(int layer, RoutingBuffers routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        RequireOpen();
        int tokens = _passTokens;
        _passTokens = 0;
        if (tokens == 0 || layer != _layer || routes.MaxTokens < tokens || routes.NumExperts != Header.Layers[layer].Experts)
        {
            throw new RoutingValidationException(
                $"Layer {layer} with {routes.MaxTokens} tokens of {routes.NumExperts} experts cannot be recorded: layer {_layer} of {Header.Layers.Count} is the next, the pass has {tokens} tokens.");
        }

        for (int token = 0; token < tokens; token++)
        {
            PutToken(routes, token);
        }

        if (++_layer == Header.Layers.Count)
        {
            WriteBlock(RecordFormat.KindPass);
            _tokens += tokens;
            return;
        }

        _passTokens = tokens;
    }

    /// <summary>Ends the record; a file appears at its path. A pass that is not finished is left out. A second call does nothing.</summary>
    /// <exception cref="IOException">The record cannot be written, or its path is taken meanwhile.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Complete()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_complete)
        {
            return;
        }

        _payload.ResetWrittenCount();
        PutInt64(_blocks);
        PutInt64(_tokens);
        WriteBlock(RecordFormat.KindEnd);
        _destination.Flush();
        _file?.Commit();
        _complete = true;
    }

    /// <summary>Lets go of the file; one that is not complete is removed. A second call does nothing.</summary>
    public void Dispose()
    {
        _disposed = true;
        _file?.Dispose();
    }

    private void RequireOpen()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_complete)
        {
            throw new InvalidOperationException("The record is complete.");
        }
    }

    private void PutToken(RoutingBuffers routes, int token)
    {
        ReadOnlySpan<int> ids = routes.IndicesOf(token);
        ReadOnlySpan<float> weights = routes.WeightsOf(token);
        PutSmall(ids.Length);
        for (int slot = 0; slot < ids.Length; slot++)
        {
            if ((uint)ids[slot] >= (uint)routes.NumExperts || !float.IsFinite(weights[slot]))
            {
                throw new RoutingValidationException($"Token {token} slot {slot} has expert {ids[slot]} with weight {weights[slot]}, which cannot be recorded.");
            }

            PutSmall(ids[slot]);
            BinaryPrimitives.WriteSingleLittleEndian(_payload.GetSpan(sizeof(float)), weights[slot]);
            _payload.Advance(sizeof(float));
        }
    }

    private void WriteBlock(int kind)
    {
        if (_payload.WrittenCount > RecordFormat.MaxPayload)
        {
            throw new RoutingValidationException($"A pass takes {_payload.WrittenCount} bytes, at most {RecordFormat.MaxPayload} are allowed; run fewer tokens at once.");
        }

        Span<byte> frame = stackalloc byte[RecordFormat.FrameBytes];
        RecordFormat.WriteFrame(frame, kind, _blocks, _payload.WrittenSpan, _hash);
        _destination.Write(frame);
        _destination.Write(_payload.WrittenSpan);
        _blocks++;
    }

    // 0..127 in one byte, up to 16383 in two: counts and ids end at 4096.
    private void PutSmall(int value)
    {
        Span<byte> bytes = _payload.GetSpan(2);
        if (value < 0x80)
        {
            bytes[0] = (byte)value;
            _payload.Advance(1);
            return;
        }

        bytes[0] = (byte)(value | 0x80);
        bytes[1] = (byte)(value >> 7);
        _payload.Advance(2);
    }

    private void PutInt32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_payload.GetSpan(sizeof(int)), value);
        _payload.Advance(sizeof(int));
    }

    private void PutInt64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_payload.GetSpan(sizeof(long)), value);
        _payload.Advance(sizeof(long));
    }
}
