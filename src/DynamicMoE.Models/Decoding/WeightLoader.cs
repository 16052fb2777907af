using System.Runtime.InteropServices;
using DynamicMoE.Compute;

namespace DynamicMoE.Models;

/// <summary>Takes tensors out of a checkpoint, checks shape and values, and packs them. Cancellation is seen before each tensor.</summary>
internal sealed class WeightLoader(Checkpoint checkpoint, ModelLoadOptions options, CancellationToken cancellation = default)
{
    private const long MaxBytes = SafetensorsFile.MaxTensorBytes;

    private readonly TensorBuffers _first = new(), _second = new(), _third = new();

    public Checkpoint Checkpoint => checkpoint;

    /// <summary>What was loaded so far, experts left out.</summary>
    public ModelFingerprint Fingerprint { get; } = new();

    public ModelLoadOptions Options => options;

    /// <summary>How experts are kept.</summary>
    public WeightFormat ExpertFormat { get; } = Format(checkpoint, options);

    /// <summary>How every other product is kept: experts are most of a model, and what they lose in 4 bits is not lost twice.</summary>
    public WeightFormat DenseFormat => ExpertFormat == WeightFormat.Float32 ? WeightFormat.Float32 : WeightFormat.BFloat16;

    /// <summary>A dense matrix, with its bias when a name is given.</summary>
    public PackedMatrix Matrix(string name, int outputs, int inputs, string? bias = null)
    {
        float[] b = bias is null ? [] : Vector(bias, outputs);
        var (file, tensor) = Take(name, [outputs, inputs]);
        Fingerprint.Add(file, tensor, whole: false);
        try
        {
            if (tensor.Type == TensorType.F32)
            {
                return PackedMatrix.FromFloat32(ReadFloats(file, tensor, _first), outputs, inputs, b, DenseFormat, options.Isa);
            }

            Span<ushort> bits = ReadBits(file, tensor, _first);
            return tensor.Type == TensorType.BF16
                ? PackedMatrix.FromBFloat16(bits, outputs, inputs, b, DenseFormat, options.Isa)
                : PackedMatrix.FromFloat16(MemoryMarshal.Cast<ushort, Half>(bits), outputs, inputs, b, DenseFormat, options.Isa);
        }
        catch (RoutingValidationException e)
        {
            throw OutOfRange(file, name, DenseFormat, e);
        }
        catch (RouterConfigurationException e)
        {
            // Formats and levels are checked with the options, so that it is a size.
            throw new CheckpointFormatException(file.Name, name, e.Message, e);
        }
    }

    /// <summary>One expert of a bank.</summary>
    public void Expert(ExpertBank bank, int index, MlpNames names)
    {
        var gate = Take(names.Gate, [bank.Width, bank.Hidden]);
        var up = Take(names.Up, [bank.Width, bank.Hidden]);
        var down = Take(names.Down, [bank.Hidden, bank.Width]);
        TensorType type = gate.Tensor.Type;
        bool same = up.Tensor.Type == type && down.Tensor.Type == type;
        try
        {
            if (!same || type == TensorType.F32)
            {
                bank.SetExpert(index, ExpertWeights.FromFloat32(
                    ReadFloats(gate.File, gate.Tensor, _first), ReadFloats(up.File, up.Tensor, _second), ReadFloats(down.File, down.Tensor, _third)));
                return;
            }

            Span<ushort> g = ReadBits(gate.File, gate.Tensor, _first);
            Span<ushort> u = ReadBits(up.File, up.Tensor, _second);
            Span<ushort> d = ReadBits(down.File, down.Tensor, _third);
            bank.SetExpert(index, type == TensorType.BF16
                ? ExpertWeights.FromBFloat16(g, u, d)
                : ExpertWeights.FromFloat16(
                    MemoryMarshal.Cast<ushort, Half>(g), MemoryMarshal.Cast<ushort, Half>(u), MemoryMarshal.Cast<ushort, Half>(d)));
        }
        catch (RoutingValidationException e)
        {
            (SafetensorsFile file, TensorInfo tensor) = Offender([gate, up, down], bank.Format);
            throw OutOfRange(file, tensor.Name, bank.Format, e);
        }
    }

    /// <summary>A vector in float32, finite.</summary>
    public float[] Vector(string name, int length) => Floats(name, [length]);

    /// <summary>A tensor in float32, finite.</summary>
    public float[] Floats(string name, params ReadOnlySpan<long> shape)
    {
        var (file, tensor) = Take(name, shape);
        RequireLoadable(file.Name, tensor, sizeof(float));
        Fingerprint.Add(file, tensor, whole: true);
        var values = new float[tensor.ElementCount];
        file.ReadFloat32(tensor, values);
        return Array.TrueForAll(values, float.IsFinite) ? values : throw OutOfRange(file, name, WeightFormat.Float32, null);
    }

    /// <summary>The embedding, kept as it is stored.</summary>
    public EmbeddingTable Embedding(string name, int vocabulary, int hidden)
    {
        var (file, tensor) = Take(name, [vocabulary, hidden]);
        Fingerprint.Add(file, tensor, whole: false);
        return EmbeddingTable.Read(file, tensor, hidden) ?? throw OutOfRange(file, name, WeightFormat.Float32, null);
    }

    /// <summary>Reads a tensor that is not an expert's as loading does, and lets go of it: what this passes can be loaded.</summary>
    /// <exception cref="CheckpointFormatException">Loading would refuse it, in the same words.</exception>
    public void Check(LayoutTensor tensor)
    {
        if (tensor.Uses.HasFlag(TensorUses.Rows))
        {
            _ = Embedding(tensor.Name, (int)tensor.Shape[0], (int)tensor.Shape[1]);
        }

        if (tensor.Uses.HasFlag(TensorUses.Product))
        {
            Matrix(tensor.Name, (int)tensor.Shape[0], (int)tensor.Shape[1]).Dispose();
        }

        if (tensor.Uses.HasFlag(TensorUses.Values))
        {
            _ = Floats(tensor.Name, tensor.Shape);
        }
    }

    /// <summary>Refuses a tensor that takes more bytes than the native core is given at once.</summary>
    internal static void RequireLoadable(string file, TensorInfo tensor, int elementBytes)
    {
        // Elements are checked first, so that the product stays in range.
        if (tensor.ElementCount > MaxBytes || tensor.ElementCount * elementBytes > MaxBytes)
        {
            throw new CheckpointFormatException(
                file, tensor.Name, $"has {tensor.ElementCount} elements of {elementBytes} bytes, at most {MaxBytes} bytes can be loaded.");
        }
    }

    private static WeightFormat Format(Checkpoint checkpoint, ModelLoadOptions options)
    {
        WeightFormat? packed = checkpoint.Packed?.Header.Format;
        return packed is null || options.WeightFormat is null || packed == options.WeightFormat
            ? packed ?? options.WeightFormat ?? WeightFormat.Float32
            : throw new RouterConfigurationException(
                $"ModelLoadOptions: WeightFormat ({options.WeightFormat}) is not that of {checkpoint.Name}, which is packed in {packed}.");
    }

    private (SafetensorsFile File, TensorInfo Tensor) Take(string name, ReadOnlySpan<long> shape)
    {
        cancellation.ThrowIfCancellationRequested();
        var found = checkpoint.Require(name, shape);
        RequireLoadable(found.File.Name, found.Tensor, found.Tensor.Type.Size());
        return found;
    }

    private static Span<float> ReadFloats(SafetensorsFile file, TensorInfo tensor, TensorBuffers buffers)
    {
        RequireLoadable(file.Name, tensor, sizeof(float));
        Span<float> values = buffers.Floats(tensor.ElementCount);
        file.ReadFloat32(tensor, values);
        return values;
    }

    private static Span<ushort> ReadBits(SafetensorsFile file, TensorInfo tensor, TensorBuffers buffers)
    {
        Span<ushort> bits = buffers.Bits(tensor.ElementCount);
        file.ReadBits16(tensor, bits);
        return bits;
    }

    // The native core says that an expert's weights are not finite in the format; which of the three it was is found out here.
    private (SafetensorsFile File, TensorInfo Tensor) Offender(ReadOnlySpan<(SafetensorsFile File, TensorInfo Tensor)> tensors, WeightFormat format)
    {
        float largest = FormatRange.Largest(format);
        foreach (var (file, tensor) in tensors)
        {
            foreach (float value in ReadFloats(file, tensor, _first))
            {
                if (!(MathF.Abs(value) <= largest))
                {
                    return (file, tensor);
                }
            }
        }

        return tensors[0];
    }

    private static CheckpointFormatException OutOfRange(SafetensorsFile file, string tensor, WeightFormat format, Exception? cause) =>
        new(file.Name, tensor, FormattableString.Invariant(
            $"holds NaN, infinity or a magnitude above {FormatRange.Largest(format):G6}, the largest of {format}."), cause);
}
