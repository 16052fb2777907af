using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE.Compute;

/// <summary>Packed dense weights W and bias b of y = x W^T + b. Many threads may use one at once.</summary>
public sealed class PackedMatrix : IDisposable
{
    private readonly LinearHandle _handle;

    private PackedMatrix(LinearHandle handle, int outputs, int inputs, WeightFormat format)
    {
        _handle = handle;
        Outputs = outputs;
        Inputs = inputs;
        Format = format;
    }

    /// <summary>Columns of y.</summary>
    public int Outputs { get; }

    /// <summary>Columns of x.</summary>
    public int Inputs { get; }

    /// <summary>How the weights are kept.</summary>
    public WeightFormat Format { get; }

    /// <summary>Packs float32 weights.</summary>
    /// <param name="weights"><c>[outputs, inputs]</c>, row-major, finite, at most 2^31 - 1 bytes; copied.</param>
    /// <param name="outputs">Rows, 1..1048576.</param>
    /// <param name="inputs">Columns, 1..1048576.</param>
    /// <param name="bias"><c>[outputs]</c>; empty = none. Copied.</param>
    /// <param name="format">How to keep the weights.</param>
    /// <param name="isa">Instruction-set level of the kernels.</param>
    /// <returns>The packed weights; dispose them when they are no longer used.</returns>
    /// <exception cref="RouterConfigurationException">A size or an enumeration value is outside its range.</exception>
    /// <exception cref="RoutingValidationException">A length does not fit, or a weight is not finite.</exception>
    /// <exception cref="DynamicMoEMemoryException">The weights do not fit into memory.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public static PackedMatrix FromFloat32(
        ReadOnlySpan<float> weights, int outputs, int inputs, ReadOnlySpan<float> bias = default,
        WeightFormat format = WeightFormat.Float32, InstructionSet isa = InstructionSet.Auto) =>
        Pack(Shapes.Bytes(weights, nameof(weights)), weights.Length, WeightType.Float32, outputs, inputs, bias, format, isa);

    /// <summary>Packs bfloat16 weights, given by their bits.</summary>
    /// <inheritdoc cref="FromFloat32"/>
    public static PackedMatrix FromBFloat16(
        ReadOnlySpan<ushort> weights, int outputs, int inputs, ReadOnlySpan<float> bias = default,
        WeightFormat format = WeightFormat.BFloat16, InstructionSet isa = InstructionSet.Auto) =>
        Pack(Shapes.Bytes(weights, nameof(weights)), weights.Length, WeightType.BFloat16, outputs, inputs, bias, format, isa);

    /// <summary>Packs IEEE binary16 weights.</summary>
    /// <inheritdoc cref="FromFloat32"/>
    public static PackedMatrix FromFloat16(
        ReadOnlySpan<Half> weights, int outputs, int inputs, ReadOnlySpan<float> bias = default,
        WeightFormat format = WeightFormat.Float32, InstructionSet isa = InstructionSet.Auto) =>
        Pack(Shapes.Bytes(weights, nameof(weights)), weights.Length, WeightType.Float16, outputs, inputs, bias, format, isa);

    /// <summary>Computes y = x W^T + b. Allocates nothing.</summary>
    /// <param name="x"><c>[rows, Inputs]</c>, row-major.</param>
    /// <param name="rows">Rows, at least 1.</param>
    /// <param name="y">[out] <c>[rows, Outputs]</c>; must not overlap <paramref name="x"/>.</param>
    /// <param name="threads">Most threads to use, 0 = the pool's.</param>
    /// <exception cref="RoutingValidationException">A length does not fit, or the spans overlap.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The matrix is disposed.</exception>
    public void Multiply(ReadOnlySpan<float> x, int rows, Span<float> y, int threads = 0)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Shapes.RequireRows(x.Length, rows, Inputs, nameof(x));
        Shapes.RequireRows(y.Length, rows, Outputs, nameof(y));
        Shapes.RequireApart(x, y, "x and y");
        ComputeCalls.Multiply(_handle, x, rows, Inputs, y, Outputs, threads);
    }

    /// <summary>Gives the memory back once no call uses it. A second call does nothing.</summary>
    public void Dispose() => _handle.Dispose();

    private static PackedMatrix Pack(
        ReadOnlySpan<byte> bytes, int length, WeightType type, int outputs, int inputs, ReadOnlySpan<float> bias, WeightFormat format, InstructionSet isa)
    {
        new OptionRules(nameof(PackedMatrix))
            .Range(nameof(outputs), outputs, 1, Limits.MaxHidden)
            .Range(nameof(inputs), inputs, 1, Limits.MaxHidden)
            .Defined(nameof(format), format)
            .Defined(nameof(isa), isa)
            .ThrowIfBroken();
        if (length != (long)outputs * inputs)
        {
            throw new RoutingValidationException($"weights has {length} elements, outputs ({outputs}) * inputs ({inputs}) = {(long)outputs * inputs} are needed.");
        }

        if (!bias.IsEmpty && bias.Length != outputs)
        {
            throw new RoutingValidationException($"bias has {bias.Length} elements, 0 or outputs ({outputs}) are needed.");
        }

        return new PackedMatrix(ComputeCalls.Create(bytes, type, outputs, inputs, bias, format, isa), outputs, inputs, format);
    }
}
