using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DynamicMoE;

/// <summary>Checks shapes and views before anything native sees them.</summary>
internal static class Shapes
{
    /// <exception cref="RoutingValidationException">The batch is empty or the length is not rows * columns.</exception>
    internal static void RequireRows(int length, int rows, int columns, string name)
    {
        if (rows < 1)
        {
            throw new RoutingValidationException($"{name}: the batch has {rows} tokens, at least 1 is needed.");
        }

        if (rows > Limits.MaxBatchTokens)
        {
            throw new RoutingValidationException($"{name}: the batch has {rows} tokens, at most {Limits.MaxBatchTokens} are allowed.");
        }

        if (columns < 1 || length != (long)rows * columns)
        {
            throw new RoutingValidationException($"{name} has {length} elements, {rows} rows of {columns} need {(long)rows * columns}.");
        }
    }

    /// <exception cref="RoutingValidationException">A value is NaN or infinite; the message names the lowest row.</exception>
    internal static void RequireFinite(ReadOnlySpan<float> values, int columns, string name)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw new RoutingValidationException($"{name}: token {i / columns} has {values[i]} in column {i % columns}; every value must be finite.");
            }
        }
    }

    /// <exception cref="RoutingValidationException">The spans share memory.</exception>
    internal static void RequireApart(ReadOnlySpan<float> input, ReadOnlySpan<float> output, string names)
    {
        if (input.Overlaps(output))
        {
            throw new RoutingValidationException($"{names} overlap; they must not share memory.");
        }
    }

    /// <summary>Views weights as bytes.</summary>
    /// <exception cref="RoutingValidationException">They take more bytes than a span of bytes can have.</exception>
    internal static ReadOnlySpan<byte> Bytes<T>(ReadOnlySpan<T> values, string name)
        where T : unmanaged
    {
        int most = int.MaxValue / Unsafe.SizeOf<T>();
        return values.Length <= most
            ? MemoryMarshal.AsBytes(values)
            : throw new RoutingValidationException(
                $"{name} has {values.Length} elements of {Unsafe.SizeOf<T>()} bytes, at most {most} ({int.MaxValue} bytes) are allowed.");
    }

    /// <summary>Views hidden states as rows.</summary>
    /// <exception cref="RoutingValidationException">The rank is not 2 or 3, the last dimension differs, the view is not dense, or it is empty.</exception>
    internal static ReadOnlySpan<float> Rows(in ReadOnlyTensorSpan<float> tensor, int columns, string name, out int rows)
    {
        RequireHidden(tensor.Lengths, tensor.Strides, tensor.FlattenedLength, columns, name);
        rows = (int)(tensor.FlattenedLength / columns);
        return MemoryMarshal.CreateReadOnlySpan(in tensor.GetPinnableReference(), (int)tensor.FlattenedLength);
    }

    /// <inheritdoc cref="Rows(in ReadOnlyTensorSpan{float}, int, string, out int)"/>
    internal static Span<float> Rows(in TensorSpan<float> tensor, int columns, string name)
    {
        RequireHidden(tensor.Lengths, tensor.Strides, tensor.FlattenedLength, columns, name);
        return MemoryMarshal.CreateSpan(ref tensor.GetPinnableReference(), (int)tensor.FlattenedLength);
    }

    /// <summary>Leading dimensions of hidden states, followed by <paramref name="last"/> unless that is 0.</summary>
    internal static nint[] With(ReadOnlySpan<nint> hiddenLengths, int last)
    {
        ReadOnlySpan<nint> leading = hiddenLengths[..^1];
        return last == 0 ? leading.ToArray() : [.. leading, last];
    }

    private static void RequireHidden(ReadOnlySpan<nint> lengths, ReadOnlySpan<nint> strides, nint elements, int columns, string name)
    {
        if (lengths.Length is not (2 or 3) || lengths[^1] != columns)
        {
            throw new RoutingValidationException(
                $"{name} has shape [{Text(lengths)}]; [batch, sequence, {columns}] or [tokens, {columns}] is needed.");
        }

        if (elements < columns)
        {
            throw new RoutingValidationException($"{name} has shape [{Text(lengths)}]; the batch has 0 tokens, at least 1 is needed.");
        }

        if (!IsRowMajor(lengths, strides))
        {
            throw new RoutingValidationException($"{name} is not a dense row-major view; copy it before the call.");
        }

        if (elements > int.MaxValue)
        {
            throw new RoutingValidationException($"{name} has {elements} elements, at most {int.MaxValue} are allowed.");
        }
    }

    // The stride of a dimension of length 1 never matters; the runtime reports 0 there.
    private static bool IsRowMajor(ReadOnlySpan<nint> lengths, ReadOnlySpan<nint> strides)
    {
        nint expected = 1;
        for (int dimension = lengths.Length - 1; dimension >= 0; dimension--)
        {
            if (lengths[dimension] > 1 && strides[dimension] != expected)
            {
                return false;
            }

            expected *= lengths[dimension];
        }

        return true;
    }

    private static string Text(ReadOnlySpan<nint> lengths) => string.Join(", ", lengths.ToArray());
}
