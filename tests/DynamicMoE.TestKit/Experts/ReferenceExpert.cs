using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Experts;

/// <summary>The function inside an expert.</summary>
public enum ReferenceExpertKind
{
    /// <summary>down(silu(gate x) * up x).</summary>
    SwiGlu,

    /// <summary>down(gelu(up x)), gelu by erf.</summary>
    Gelu,

    /// <summary>down(gelu(up x)), gelu by tanh.</summary>
    GeluTanh,

    /// <summary>down(relu(up x)).</summary>
    Relu,

    /// <summary>down(silu(up x)).</summary>
    Silu,

    /// <summary>up x.</summary>
    Linear,
}

/// <summary>One expert: its weights and what it computes for a token.</summary>
public sealed record ReferenceExpert
{
    /// <summary>Function.</summary>
    public required ReferenceExpertKind Kind { get; init; }

    /// <summary>D.</summary>
    public required int Hidden { get; init; }

    /// <summary>F; D for a linear expert.</summary>
    public required int Width { get; init; }

    /// <summary>[F, D], SwiGLU only.</summary>
    public float[]? Gate { get; init; }

    /// <summary>[F, D].</summary>
    public required float[] Up { get; init; }

    /// <summary>[D, F]; null for a linear expert.</summary>
    public float[]? Down { get; init; }

    /// <summary>[F] or null.</summary>
    public float[]? GateBias { get; init; }

    /// <summary>[F] or null.</summary>
    public float[]? UpBias { get; init; }

    /// <summary>[D] or null.</summary>
    public float[]? DownBias { get; init; }

    /// <summary>Runs one token. The bound follows first-order error propagation through the formula.</summary>
    /// <param name="x">[D].</param>
    /// <param name="format">Rounds weights and activations as this format does.</param>
    public (double[] Output, double[] Bound) Forward(ReadOnlySpan<double> x, ReferenceFormat format)
    {
        double[] input = Rounded(x, format);
        (double[] up, double[] upBound) = Product(Up, UpBias, input, null, Width, format);
        if (Kind == ReferenceExpertKind.Linear)
        {
            return (up, upBound);
        }

        var inner = new double[Width];
        var innerBound = new double[Width];
        if (Kind == ReferenceExpertKind.SwiGlu)
        {
            (double[] gate, double[] gateBound) = Product(Gate!, GateBias, input, null, Width, format);
            for (int f = 0; f < Width; f++)
            {
                double silu = ReferenceMath.Silu(gate[f]);
                inner[f] = silu * up[f];
                innerBound[f] = (Slope * gateBound[f] * (Math.Abs(up[f]) + upBound[f])) + (Math.Abs(silu) * upBound[f])
                    + ActivationRounding(gate[f], silu) * (Math.Abs(up[f]) + 1e-30);
            }
        }
        else
        {
            for (int f = 0; f < Width; f++)
            {
                inner[f] = Activate(up[f]);
                innerBound[f] = (Slope * upBound[f]) + ActivationRounding(up[f], inner[f]);
            }
        }

        return Product(Down!, DownBias, RoundInner(inner, innerBound, format), innerBound, Hidden, format);
    }

    // Largest |derivative| of silu and gelu is below 1.13, of relu 1.
    private const double Slope = 1.13;

    // 16 roundings of the activation itself; the tails of silu and gelu cancel, so part of it is relative to x.
    private static double ActivationRounding(double x, double y) =>
        (16 * Tolerance.U * Math.Abs(y)) + (4 * Tolerance.U * Math.Abs(x) * Math.Exp(-Math.Abs(x) / 8)) + 1e-37;

    private double Activate(double x) => Kind switch
    {
        ReferenceExpertKind.Gelu => ReferenceMath.GeluErf(x),
        ReferenceExpertKind.GeluTanh => ReferenceMath.GeluTanh(x),
        ReferenceExpertKind.Relu => Math.Max(x, 0),
        _ => ReferenceMath.Silu(x),
    };

    // A value that lies near the middle of two of a format may round either way in the product.
    private static double[] RoundInner(double[] inner, double[] bound, ReferenceFormat format)
    {
        if (format != ReferenceFormat.Bf16)
        {
            return format == ReferenceFormat.F32 ? inner : QuantizedRows.Activations(inner, bound);
        }

        var rounded = new double[inner.Length];
        for (int f = 0; f < inner.Length; f++)
        {
            rounded[f] = Bf16.Round(inner[f]);
            double low = Bf16.Round(inner[f] - bound[f]), high = Bf16.Round(inner[f] + bound[f]);
            bound[f] = Math.Max(high - rounded[f], rounded[f] - low);
        }

        return rounded;
    }

    private static double[] Rounded(ReadOnlySpan<double> values, ReferenceFormat format) => format switch
    {
        ReferenceFormat.F32 => values.ToArray(),
        ReferenceFormat.Bf16 => Array.ConvertAll(values.ToArray(), Bf16.Round),
        _ => QuantizedRows.Activations(values),
    };

    // Roundings in sequence: one per term and one of the bias; pairs of bfloat16 may round twice. Integer sums of a block are exact: one per
    // block, one of its scale and one of the bias.
    private static double Roundings(int terms, ReferenceFormat format) => format switch
    {
        ReferenceFormat.F32 => Tolerance.Gamma(terms + 1),
        ReferenceFormat.Bf16 => 2 * Tolerance.Gamma(terms + 1),
        _ => Tolerance.Gamma(((terms + QuantizedRows.Block - 1) / QuantizedRows.Block) + 2),
    };

    private static (double[] Values, double[] Bounds) Product(
        float[] weights, float[]? bias, double[] x, double[]? xBound, int rows, ReferenceFormat format)
    {
        double[]? stored = format is ReferenceFormat.Q8 or ReferenceFormat.Q4 ? QuantizedRows.Weights(weights, x.Length, format) : null;
        double roundings = Roundings(x.Length, format);
        var values = new double[rows];
        var bounds = new double[rows];
        for (int r = 0; r < rows; r++)
        {
            double sum = bias?[r] ?? 0;
            double magnitude = Math.Abs(sum), inherited = 0;
            for (int k = 0; k < x.Length; k++)
            {
                int at = (r * x.Length) + k;
                double w = stored is not null ? stored[at] : format == ReferenceFormat.Bf16 ? Bf16.Round(weights[at]) : weights[at];
                sum += w * x[k];
                magnitude += Math.Abs(w * x[k]);
                inherited += Math.Abs(w) * (xBound?[k] ?? 0);
            }

            values[r] = sum;
            bounds[r] = (roundings * (magnitude + inherited)) + inherited + 1e-37;
        }

        return (values, bounds);
    }
}
