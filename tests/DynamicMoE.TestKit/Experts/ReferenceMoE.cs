using DynamicMoE.TestKit.Numerics;
using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.TestKit.Experts;

/// <summary>A layer's experts and what joins the routed ones.</summary>
public sealed record ReferenceLayer
{
    /// <summary>Routed experts.</summary>
    public required IReadOnlyList<ReferenceExpert> Experts { get; init; }

    /// <summary>Experts that every token uses.</summary>
    public IReadOnlyList<ReferenceExpert> Shared { get; init; } = [];

    /// <summary>[D]: shared experts are weighted by sigmoid(dot) instead of 1; or null.</summary>
    public float[]? SharedGate { get; init; }

    /// <summary>How the experts' weights are kept.</summary>
    public ReferenceFormat Format { get; init; }
}

/// <summary>output[t] = sum of weight * expert(token), plus shared experts.</summary>
public static class ReferenceMoE
{
    private const string Why = "first-order propagation of gamma(K) through both products, the activation and the combine";

    /// <summary>Runs the experts on decisions of the reference router.</summary>
    public static BoundedValues Forward(ReferenceLayer layer, ReadOnlySpan<float> hidden, ReferenceRoutes routes) =>
        Forward(layer, hidden, routes.Ids, routes.Weights);

    /// <summary>Runs the experts on given routes.</summary>
    /// <param name="layer">Experts.</param>
    /// <param name="hidden"><c>[tokens, D]</c>.</param>
    /// <param name="ids">Experts of each token; -1 = unused slot.</param>
    /// <param name="weights">Their weights.</param>
    public static BoundedValues Forward(ReferenceLayer layer, ReadOnlySpan<float> hidden, int[][] ids, double[][] weights)
    {
        int width = layer.Experts[0].Hidden;
        var output = new double[hidden.Length];
        var bounds = new double[hidden.Length];
        for (int t = 0; t < ids.Length; t++)
        {
            double[] x = Widen(hidden.Slice(t * width, width));
            Span<double> y = output.AsSpan(t * width, width);
            Span<double> bound = bounds.AsSpan(t * width, width);
            for (int s = 0; s < ids[t].Length; s++)
            {
                if (ids[t][s] >= 0)
                {
                    Add(layer.Experts[ids[t][s]], x, weights[t][s], GateWeightError(weights[t][s]), layer.Format, y, bound);
                }
            }

            (double shared, double sharedError) = SharedWeight(layer, x);
            foreach (ReferenceExpert expert in layer.Shared)
            {
                Add(expert, x, shared, sharedError, layer.Format, y, bound);
            }
        }

        return new BoundedValues(output, bounds, Why);
    }

    /// <summary>The 4 ulp that DESIGN.md 4.6 grants a weight.</summary>
    private static double GateWeightError(double weight) => 8 * Tolerance.U * Math.Abs(weight);

    private static (double Weight, double Error) SharedWeight(ReferenceLayer layer, double[] x)
    {
        if (layer.SharedGate is not { } gate)
        {
            return (1, 0);
        }

        double dot = 0, magnitude = 0;
        for (int d = 0; d < x.Length; d++)
        {
            dot += x[d] * gate[d];
            magnitude += Math.Abs(x[d] * gate[d]);
        }

        // The slope of the sigmoid is at most 1/4.
        return (ReferenceMath.Sigmoid(dot), (Tolerance.Gamma(x.Length) * magnitude / 4) + (8 * Tolerance.U));
    }

    private static void Add(
        ReferenceExpert expert, double[] x, double weight, double weightError, ReferenceFormat format, Span<double> output, Span<double> bound)
    {
        (double[] y, double[] yBound) = expert.Forward(x, format);
        for (int d = 0; d < y.Length; d++)
        {
            output[d] += weight * y[d];
            // Two roundings per term of the combine, at the magnitude of the term and of the running sum.
            bound[d] += (Math.Abs(weight) * yBound[d]) + (weightError * (Math.Abs(y[d]) + yBound[d]))
                + (2 * Tolerance.U * (Math.Abs(weight * y[d]) + Math.Abs(output[d])));
        }
    }

    private static double[] Widen(ReadOnlySpan<float> values)
    {
        var result = new double[values.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = values[i];
        }

        return result;
    }
}
