using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace DynamicMoE.Models;

/// <summary>Gathers the hash of a model while its tensors are loaded: config.json, and every tensor that is not an expert, as it is stored. A folder and a
/// packed file made of it have the same hash, in every weight format, because packing keeps these tensors as they are.</summary>
/// <remarks>Tensors above 1 MiB count with their first and last 512 KiB, gates and vectors whole: a few hundred reads of a megabyte on a large model.
/// Experts do not count, for a packed file has them in another form; another checkpoint differs in more than its experts.</remarks>
internal sealed class ModelFingerprint
{
    private const int Part = 1 << 19;

    private readonly SortedDictionary<string, UInt128> _tensors = new(StringComparer.Ordinal);
    private byte[] _buffer = [];

    /// <summary>Takes a tensor into the hash.</summary>
    /// <param name="file">Its file.</param>
    /// <param name="tensor">A tensor that was found loadable.</param>
    /// <param name="whole">Whether every byte counts.</param>
    public void Add(SafetensorsFile file, TensorInfo tensor, bool whole)
    {
        var hash = new XxHash128();
        Append(hash, tensor.ByteCount);
        Append(hash, (int)tensor.Type);
        foreach (long size in tensor.Shape)
        {
            Append(hash, size);
        }

        long skipped = whole || tensor.ByteCount <= 2 * Part ? 0 : tensor.ByteCount - (2 * Part);
        for (long at = 0; at < tensor.ByteCount;)
        {
            int length = (int)Math.Min(Part, tensor.ByteCount - at);
            Array.Resize(ref _buffer, Math.Max(_buffer.Length, length));
            file.ReadPart(tensor, at, _buffer.AsSpan(0, length));
            hash.Append(_buffer.AsSpan(0, length));
            at += length + skipped;
            skipped = 0;
        }

        _tensors[tensor.Name] = hash.GetCurrentHashAsUInt128();
    }

    /// <summary>The hash of everything that was taken.</summary>
    public ModelHash Finish(UInt128 config)
    {
        var hash = new XxHash128();
        Span<byte> value = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(value, config);
        hash.Append(value);
        foreach ((string name, UInt128 content) in _tensors)
        {
            byte[] text = Encoding.UTF8.GetBytes(name);
            Append(hash, text.Length);
            hash.Append(text);
            BinaryPrimitives.WriteUInt128LittleEndian(value, content);
            hash.Append(value);
        }

        return new ModelHash(hash.GetCurrentHashAsUInt128());
    }

    private static void Append(XxHash128 hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        hash.Append(bytes);
    }
}
