namespace DynamicMoE.Models;

/// <summary>One tensor of a file, as its header describes it.</summary>
public sealed class TensorInfo
{
    private readonly long[] _shape;

    internal TensorInfo(string name, TensorType type, long[] shape, long begin, long end, long elements)
    {
        Name = name;
        Type = type;
        _shape = shape;
        Begin = begin;
        End = end;
        ElementCount = elements;
    }

    /// <summary>Name in the checkpoint.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public TensorType Type { get; }

    /// <summary>Dimensions, row-major, each at least 0; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape => _shape;

    /// <summary>Product of the dimensions.</summary>
    public long ElementCount { get; }

    /// <summary>Bytes that the elements take.</summary>
    public long ByteCount => End - Begin;

    /// <summary>First byte, counted from the end of the header.</summary>
    internal long Begin { get; }

    /// <summary>One past the last byte.</summary>
    internal long End { get; }

    internal bool HasShape(ReadOnlySpan<long> shape) => shape.SequenceEqual(_shape);
}
