using System.Collections;
using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.Peers;

/// <summary>
/// Random weights of a layer. An expert is made anew at each request, from a seed of its own, so that beside the packed copies of the
/// implementations no third one takes memory. In bfloat16 every weight is a bfloat16 number: all implementations get the same ones.
/// </summary>
internal sealed class LayerWeights(LayerShape shape, WeightFormat format, ulong seed) : IReadOnlyList<ReferenceExpert>
{
    // Logits of a deviation of 1.5 on tokens of deviation 1: routing neither even nor one-sided.
    private const double LogitDeviation = 1.5;

    public LayerShape Shape => shape;

    public WeightFormat Format => format;

    public ulong Seed => seed;

    /// <summary>[E, D].</summary>
    public float[] Gate { get; } = Matrix(new SeededRandom(seed), shape.Experts * shape.Hidden, LogitDeviation / Math.Sqrt(shape.Hidden), format);

    public int Count => shape.Experts;

    public ReferenceExpert this[int index]
    {
        get
        {
            var random = new SeededRandom(new SeededRandom(seed + 1 + (ulong)index).NextBits());
            int size = shape.Hidden * shape.Width;
            double inner = 1 / Math.Sqrt(shape.Hidden), outer = 1 / Math.Sqrt(shape.Width);
            return new ReferenceExpert
            {
                Kind = ReferenceExpertKind.SwiGlu,
                Hidden = shape.Hidden,
                Width = shape.Width,
                Gate = Matrix(random, size, inner, format),
                Up = Matrix(random, size, inner, format),
                Down = Matrix(random, size, outer, format),
            };
        }
    }

    public IEnumerator<ReferenceExpert> GetEnumerator() => Enumerable.Range(0, Count).Select(index => this[index]).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Rounds in place where the format is bfloat16.</summary>
    public static float[] Rounded(float[] values, WeightFormat format)
    {
        for (int i = 0; format == WeightFormat.BFloat16 && i < values.Length; i++)
        {
            values[i] = Bf16.Round(values[i]);
        }

        return values;
    }

    // Uniform: a normal number costs a logarithm and a cosine, and the largest layer has 400 million weights.
    private static float[] Matrix(SeededRandom random, int size, double deviation, WeightFormat format) =>
        Rounded(random.Uniform(size, -Math.Sqrt(3) * deviation, Math.Sqrt(3) * deviation), format);
}
