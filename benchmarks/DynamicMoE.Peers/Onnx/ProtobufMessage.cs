using System.Buffers;
using Google.Protobuf;

namespace DynamicMoE.Peers.Onnx;

/// <summary>One protobuf message under construction: fields are written in the order of the calls. As much of the format as an ONNX graph needs.</summary>
internal sealed class ProtobufMessage
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public ProtobufMessage Integer(int field, long value) => Write(field, WireFormat.WireType.Varint, output => output.WriteInt64(value));

    public ProtobufMessage Float(int field, float value) => Write(field, WireFormat.WireType.Fixed32, output => output.WriteFloat(value));

    public ProtobufMessage Text(int field, string value) =>
        Write(field, WireFormat.WireType.LengthDelimited, output => output.WriteString(value));

    public ProtobufMessage Message(int field, ProtobufMessage value) =>
        Write(field, WireFormat.WireType.LengthDelimited, output => output.WriteBytes(ByteString.CopyFrom(value.ToArray())));

    /// <summary>One field for each value.</summary>
    public ProtobufMessage Each<T>(IEnumerable<T> values, Action<ProtobufMessage, T> write)
    {
        foreach (T value in values)
        {
            write(this, value);
        }

        return this;
    }

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    private ProtobufMessage Write(int field, WireFormat.WireType type, Action<CodedOutputStream> write)
    {
        using var bytes = new MemoryStream();
        using var output = new CodedOutputStream(bytes, leaveOpen: true);
        output.WriteTag(field, type);
        write(output);
        output.Flush();
        _bytes.Write(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
        return this;
    }
}
