using System.Buffers.Binary;
using System.IO.Hashing;

namespace DynamicMoE;

/// <summary>Reads a record of routing pass by pass. Every block is compared with its checksum before it is used. One thread at a time may use it.</summary>
public sealed class RoutingRecordReader : IDisposable
{
    private readonly Stream _stream;
    private readonly bool _ownsStream;
    private readonly RecordSource _source;
    private readonly RecordedPass _pass;
    private readonly XxHash128 _hash = new();
    private byte[] _frame = [];
    private byte[] _payload = [];
    private long _blocks;
    private long _tokens;
    private bool _ended;
    private bool _disposed;

    /// <summary>Reads from a stream, which is not disposed.</summary>
    /// <param name="source">The record, from its first byte.</param>
    /// <param name="name">Name for messages.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="RoutingRecordException">The header is that of no record for this library, or damaged; names the offset.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public RoutingRecordReader(Stream source, string name = "routing record")
        : this(source, name, ownsStream: false)
    {
    }

    private RoutingRecordReader(Stream source, string name, bool ownsStream)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(name);
        _stream = source;
        _ownsStream = ownsStream;
        _source = new RecordSource(source, name);
        Name = name;
        Header = RecordFormat.ReadHeader(_source);
        _pass = new RecordedPass(Header.Layers);
    }

    /// <summary>Name for messages: the path, or what the caller gave with a stream.</summary>
    public string Name { get; }

    /// <summary>What the run belongs to.</summary>
    public RoutingRecordHeader Header { get; }

    /// <summary>Position of the pass's first token in its sequence; 0 begins a sequence.</summary>
    public int Position => _pass.Position;

    /// <summary>What the pass ran; empty before the first pass and after the last.</summary>
    public ReadOnlySpan<int> TokenIds => _pass.TokenIds;

    /// <summary>Most experts of a token in the pass.</summary>
    public int MostExperts => _pass.MostExperts;

    /// <summary>Opens a file.</summary>
    /// <param name="path">Path of the file.</param>
    /// <returns>The reader; dispose it.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="RoutingRecordException">The header is that of no record for this library, or damaged; names the offset.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or is a folder.</exception>
    public static RoutingRecordReader Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, FileOptions.SequentialScan);
        try
        {
            return new RoutingRecordReader(file, path, ownsStream: true);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads the next pass; it replaces the one before.</summary>
    /// <returns>False after the last pass.</returns>
    /// <exception cref="RoutingRecordException">The file is truncated or damaged; names the offset.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="ObjectDisposedException">The reader is disposed.</exception>
    public bool ReadPass()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_ended)
        {
            return false;
        }

        _pass.Clear();
        long start = _source.Offset;
        _source.Fill(ref _frame, RecordFormat.FrameBytes, $"block {_blocks}");
        int length = BinaryPrimitives.ReadInt32LittleEndian(_frame);
        int kind = BinaryPrimitives.ReadInt32LittleEndian(_frame.AsSpan(4));
        long ordinal = BinaryPrimitives.ReadInt64LittleEndian(_frame.AsSpan(8));
        _source.Expect(length is >= 1 and <= RecordFormat.MaxPayload, start, $"block {_blocks} has {length} bytes, between 1 and {RecordFormat.MaxPayload} are allowed.");
        _source.Fill(ref _payload, length, $"block {_blocks}");
        ReadOnlySpan<byte> payload = _payload.AsSpan(0, length);
        UInt128 stored = BinaryPrimitives.ReadUInt128LittleEndian(_frame.AsSpan(16));
        UInt128 actual = RecordFormat.Checksum(_frame, payload, _hash);
        _source.Expect(stored == actual, start, $"block {_blocks} is damaged: its checksum is {actual:x32}, {stored:x32} is stored.");
        _source.Expect(ordinal == _blocks, start, $"block {ordinal} in the place of block {_blocks}.");
        _source.Expect(kind is RecordFormat.KindPass or RecordFormat.KindEnd, start, $"block {_blocks} is of unknown kind {kind}.");
        var cursor = new RecordCursor(_source, payload, start + RecordFormat.FrameBytes);
        if (kind == RecordFormat.KindEnd)
        {
            ReadEnd(ref cursor, length);
            return false;
        }

        _pass.Read(ref cursor);
        _blocks++;
        _tokens += _pass.Tokens;
        return true;
    }

    /// <summary>Experts of a token of the pass, in falling preference.</summary>
    /// <param name="layer">Ordinal of the layer in the header.</param>
    /// <param name="token">Row of the pass.</param>
    /// <returns>Ids, valid until the next pass is read.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer or token.</exception>
    public ReadOnlySpan<int> ExpertsOf(int layer, int token) => _pass.ExpertsOf(layer, token);

    /// <summary>Weights of a token's experts.</summary>
    /// <param name="layer">Ordinal of the layer in the header.</param>
    /// <param name="token">Row of the pass.</param>
    /// <returns>Weights in the order of <see cref="ExpertsOf"/>, valid until the next pass is read.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer or token.</exception>
    public ReadOnlySpan<float> WeightsOf(int layer, int token) => _pass.WeightsOf(layer, token);

    /// <summary>Copies the pass's decisions of one layer into buffers, for <see cref="MoELayer.Execute"/>. Scores become 0 and gaps infinity: they are not recorded.</summary>
    /// <param name="layer">Ordinal of the layer in the header.</param>
    /// <param name="buffers">Receives ids, weights and counts.</param>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    /// <exception cref="RoutingValidationException">The buffers have too few tokens or slots, or another number of experts.</exception>
    public void CopyTo(int layer, RoutingBuffers buffers)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Header.Layers.Count);
        if (buffers.MaxTokens < _pass.Tokens || buffers.Slots < MostExperts || buffers.NumExperts != Header.Layers[layer].Experts)
        {
            throw new RoutingValidationException(
                $"The routing buffers hold {buffers.MaxTokens} tokens with {buffers.Slots} slots of {buffers.NumExperts} experts; the pass has {_pass.Tokens} tokens with up to {MostExperts} of {Header.Layers[layer].Experts} experts.");
        }

        Array.Clear(buffers.ExpertRoutes);
        for (int token = 0; token < _pass.Tokens; token++)
        {
            ReadOnlySpan<int> ids = ExpertsOf(layer, token);
            int row = token * buffers.Slots;
            ids.CopyTo(buffers.ExpertIndices.AsSpan(row));
            buffers.ExpertIndices.AsSpan(row + ids.Length, buffers.Slots - ids.Length).Fill(-1);
            WeightsOf(layer, token).CopyTo(buffers.ExpertWeights.AsSpan(row));
            buffers.ExpertWeights.AsSpan(row + ids.Length, buffers.Slots - ids.Length).Clear();
            buffers.ExpertsPerToken[token] = ids.Length;
            foreach (int id in ids)
            {
                buffers.ExpertRoutes[id]++;
            }
        }

        buffers.Gaps.AsSpan(0, _pass.Tokens * buffers.Slots).Fill(float.PositiveInfinity);
        buffers.ComplexityScores.AsSpan(0, _pass.Tokens).Clear();
    }

    /// <summary>Lets go of the file. A second call does nothing.</summary>
    public void Dispose()
    {
        _disposed = true;
        if (_ownsStream)
        {
            _stream.Dispose();
        }
    }

    private void ReadEnd(ref RecordCursor cursor, int length)
    {
        long at = cursor.Offset;
        cursor.Expect(length == RecordFormat.EndBytes, at, $"the end of the record has {length} bytes, {RecordFormat.EndBytes} are needed.");
        long blocks = cursor.Int64(), tokens = cursor.Int64();
        cursor.Expect(
            blocks == _blocks && tokens == _tokens, at, $"the record ends after {_blocks} passes and {_tokens} tokens, its end says {blocks} and {tokens}.");
        _source.RequireEnd();
        _ended = true;
    }
}
