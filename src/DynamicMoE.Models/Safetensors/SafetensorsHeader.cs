using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>Reads the JSON header of a safetensors file. Nothing is taken on trust: every field is checked against the file's length.</summary>
/// <param name="file">Name for messages.</param>
internal sealed class SafetensorsHeader(string file)
{
    // The header is an object of objects of arrays; one level more lets a wrong value be named instead of its depth.
    private const int MaxDepth = 4;

    // No checkpoint has more; an unbounded list would take many times the header's size in memory.
    private const int MaxRank = 16;

    private readonly Dictionary<string, TensorInfo> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>The text-to-text map of <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Reads a header.</summary>
    /// <param name="json">The header's bytes, UTF-8.</param>
    /// <param name="dataLength">Bytes after the header.</param>
    /// <exception cref="CheckpointFormatException">The header breaks the format.</exception>
    public void Read(ReadOnlySpan<byte> json, long dataLength)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw Broken(null, "the header is not a JSON object that begins with '{'.");
        }

        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
            ReadEntries(ref reader);
            _ = reader.Read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is not valid UTF-8 or UTF-16.
            throw new CheckpointFormatException(file, null, $"the header is not valid JSON: {e.Message}", e);
        }

        CheckLayout(dataLength);
    }

    private void ReadEntries(ref Utf8JsonReader reader)
    {
        _ = reader.Read();
        bool metadataSeen = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            _ = reader.Read();
            if (name == "__metadata__")
            {
                if (metadataSeen)
                {
                    throw Broken(null, "__metadata__ occurs twice.");
                }

                metadataSeen = true;
                ReadMetadata(ref reader);
            }
            else if (!_tensors.TryAdd(name, ReadTensor(ref reader, name)))
            {
                throw Broken(name, "the name occurs twice.");
            }
        }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        Expect(reader.TokenType == JsonTokenType.StartObject, null, "__metadata__ is not an object of texts.");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            _ = reader.Read();
            Expect(reader.TokenType == JsonTokenType.String, null, $"__metadata__.{Printable.Quote(key)} is not a text.");
            Expect(_metadata.TryAdd(key, reader.GetString()!), null, $"__metadata__.{Printable.Quote(key)} occurs twice.");
        }
    }

    private TensorInfo ReadTensor(ref Utf8JsonReader reader, string name)
    {
        Expect(reader.TokenType == JsonTokenType.StartObject, name, "the entry is not an object of dtype, shape and data_offsets.");
        TensorType? type = null;
        long[]? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string field = reader.GetString()!;
            _ = reader.Read();
            switch (field)
            {
                case "dtype" when type is null:
                    type = ReadType(ref reader, name);
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref reader, name, field, MaxRank);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref reader, name, field, 2);
                    break;
                case "dtype" or "shape" or "data_offsets":
                    throw Broken(name, $"{field} occurs twice.");
                default:
                    throw Broken(name, $"{Printable.Quote(field)} is not one of dtype, shape, data_offsets.");
            }
        }

        Expect(type is not null, name, "dtype is missing.");
        Expect(shape is not null, name, "shape is missing.");
        Expect(offsets is not null, name, "data_offsets is missing.");
        return Checked(name, type!.Value, shape!, offsets!);
    }

    private TensorType ReadType(ref Utf8JsonReader reader, string name)
    {
        Expect(reader.TokenType == JsonTokenType.String, name, $"dtype is not a text, one of {TensorTypes.Names} is needed.");
        string text = reader.GetString()!;
        Expect(TensorTypes.TryParse(text, out TensorType type), name, $"dtype {Printable.Quote(text)} is unknown, one of {TensorTypes.Names} is needed.");
        return type;
    }

    private long[] ReadNumbers(ref Utf8JsonReader reader, string name, string field, int most)
    {
        Expect(reader.TokenType == JsonTokenType.StartArray, name, $"{field} is not an array.");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            long value = 0;
            Expect(numbers.Count < most, name, $"{field} has more than {most} numbers.");
            Expect(
                reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out value) && value >= 0,
                name,
                $"{field}[{numbers.Count}] is not an integer between 0 and {long.MaxValue}.");
            numbers.Add(value);
        }

        return [.. numbers];
    }

    private TensorInfo Checked(string name, TensorType type, long[] shape, long[] offsets)
    {
        Expect(offsets.Length == 2, name, $"data_offsets has {offsets.Length} numbers, 2 are needed.");
        (long begin, long end) = (offsets[0], offsets[1]);
        Expect(begin <= end, name, $"data_offsets [{begin}, {end}] run backwards.");
        long elements = 1;
        long bytes;
        try
        {
            foreach (long dimension in shape)
            {
                elements = checked(elements * dimension);
            }

            bytes = checked(elements * type.Size());
        }
        catch (OverflowException e)
        {
            throw new CheckpointFormatException(file, name, $"shape {Printable.Shape(shape)} has more than {long.MaxValue} bytes.", e);
        }

        Expect(
            bytes == end - begin,
            name,
            $"shape {Printable.Shape(shape)} of {type.Name()} takes {bytes} bytes, data_offsets [{begin}, {end}] span {end - begin}.");
        return new TensorInfo(name, type, shape, begin, end, elements);
    }

    // The format has no holes: sorted by offset, each tensor begins where the one before ended, and the last ends with the file.
    private void CheckLayout(long dataLength)
    {
        long expected = 0;
        string? previous = null;
        foreach (TensorInfo tensor in _tensors.Values.OrderBy(t => t.Begin).ThenBy(t => t.End))
        {
            Expect(tensor.End <= dataLength, tensor.Name, $"data_offsets [{tensor.Begin}, {tensor.End}] leave the file, which has {dataLength} bytes of data.");
            Expect(
                tensor.Begin >= expected,
                tensor.Name,
                $"data_offsets [{tensor.Begin}, {tensor.End}] overlap tensor {Printable.Quote(previous)}, which ends at {expected}.");
            Expect(tensor.Begin == expected, tensor.Name, $"data_offsets [{tensor.Begin}, {tensor.End}] leave a hole from byte {expected}.");
            (expected, previous) = (tensor.End, tensor.Name);
        }

        Expect(expected == dataLength, null, $"the tensors end at byte {expected} of {dataLength} bytes of data.");
    }

    private void Expect(bool condition, string? tensor, string problem)
    {
        if (!condition)
        {
            throw Broken(tensor, problem);
        }
    }

    private CheckpointFormatException Broken(string? tensor, string problem) => new(file, tensor, problem);
}
