using DynamicMoE.Native;

namespace DynamicMoE.Compute;

/// <summary>Normalisation over rows. Rows do not influence one another; nothing is allocated.</summary>
public static class Normalization
{
    /// <summary>y = x / sqrt(mean(x^2) + epsilon) * weight.</summary>
    /// <param name="x"><c>[rows, columns]</c>, row-major; columns = length / rows.</param>
    /// <param name="rows">Rows, at least 1.</param>
    /// <param name="weight"><c>[columns]</c>; empty = ones.</param>
    /// <param name="epsilon">Finite, at least 0.</param>
    /// <param name="y">[out] <c>[rows, columns]</c>; may be <paramref name="x"/> itself.</param>
    /// <exception cref="RoutingValidationException">A length does not fit, or x and y overlap in part.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="epsilon"/> is outside its range.</exception>
    public static void Rms(ReadOnlySpan<float> x, int rows, ReadOnlySpan<float> weight, float epsilon, Span<float> y)
    {
        int columns = Check(x, rows, weight, nameof(weight), epsilon, y);
        ComputeCalls.Rms(x, rows, columns, weight, epsilon, y);
    }

    /// <summary>y = (x - mean) / sqrt(var + epsilon) * weight + bias.</summary>
    /// <param name="x"><c>[rows, columns]</c>, row-major; columns = length / rows.</param>
    /// <param name="rows">Rows, at least 1.</param>
    /// <param name="weight"><c>[columns]</c>; empty = ones.</param>
    /// <param name="bias"><c>[columns]</c>; empty = zeros.</param>
    /// <param name="epsilon">Finite, at least 0.</param>
    /// <param name="y">[out] <c>[rows, columns]</c>; may be <paramref name="x"/> itself.</param>
    /// <exception cref="RoutingValidationException">A length does not fit, or x and y overlap in part.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="epsilon"/> is outside its range.</exception>
    public static void Layer(
        ReadOnlySpan<float> x, int rows, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, Span<float> y)
    {
        int columns = Check(x, rows, weight, nameof(weight), epsilon, y);
        RequireColumns(bias.Length, columns, nameof(bias));
        ComputeCalls.Layer(x, rows, columns, weight, bias, epsilon, y);
    }

    private static int Check(ReadOnlySpan<float> x, int rows, ReadOnlySpan<float> weight, string weightName, float epsilon, Span<float> y)
    {
        int columns = rows < 1 ? 0 : x.Length / rows;
        Shapes.RequireRows(x.Length, rows, columns, nameof(x));
        Shapes.RequireRows(y.Length, rows, columns, nameof(y));
        RequireColumns(weight.Length, columns, weightName);
        if (!(epsilon >= 0) || !float.IsFinite(epsilon))
        {
            throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, "Must be finite and at least 0.");
        }

        if (x.Overlaps(y, out int offset) && offset != 0)
        {
            throw new RoutingValidationException("x and y overlap in part; they must be apart or the same.");
        }

        return columns;
    }

    private static void RequireColumns(int length, int columns, string name)
    {
        if (length != 0 && length != columns)
        {
            throw new RoutingValidationException($"{name} has {length} elements, 0 or {columns} are needed.");
        }
    }
}
