using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Attention;

/// <summary>Shape of a causal grouped-query attention.</summary>
public sealed record AttentionShape
{
    /// <summary>Query heads, a multiple of <see cref="KvHeads"/>.</summary>
    public required int QueryHeads { get; init; }

    /// <summary>Key and value heads.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Elements of a head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Factor on the scores.</summary>
    public required double Scale { get; init; }

    /// <summary>Keys visible to a query, its own included; 0 = all before it.</summary>
    public int Window { get; init; }

    /// <summary>Position of the first query.</summary>
    public int FirstPosition { get; init; }
}

/// <summary>Causal attention by its definition.</summary>
public static class ReferenceAttention
{
    /// <summary>Runs all queries.</summary>
    /// <param name="shape">Shape.</param>
    /// <param name="query"><c>[queries, query_heads * head_dim]</c>.</param>
    /// <param name="keys"><c>[positions, kv_heads * head_dim]</c>.</param>
    /// <param name="values"><c>[positions, kv_heads * head_dim]</c>.</param>
    /// <returns>Output like the queries, and the entropy of the weights over ln(visible keys), 0 for one key, <c>[queries, query_heads]</c>.</returns>
    public static (double[] Output, double[] Entropy) Run(
        AttentionShape shape, ReadOnlySpan<double> query, ReadOnlySpan<double> keys, ReadOnlySpan<double> values)
    {
        int rowWidth = shape.QueryHeads * shape.HeadDim;
        int kvWidth = shape.KvHeads * shape.HeadDim;
        int queries = query.Length / rowWidth;
        var output = new double[query.Length];
        var entropy = new double[queries * shape.QueryHeads];
        for (int i = 0; i < queries; i++)
        {
            int position = shape.FirstPosition + i;
            int first = shape.Window > 0 ? Math.Max(0, position - shape.Window + 1) : 0;
            for (int head = 0; head < shape.QueryHeads; head++)
            {
                int kvOffset = head / (shape.QueryHeads / shape.KvHeads) * shape.HeadDim;
                ReadOnlySpan<double> q = query.Slice((i * rowWidth) + (head * shape.HeadDim), shape.HeadDim);
                var scores = new double[position - first + 1];
                for (int j = 0; j < scores.Length; j++)
                {
                    scores[j] = shape.Scale * Dot(q, keys.Slice(((first + j) * kvWidth) + kvOffset, shape.HeadDim));
                }

                double[] weights = ReferenceMath.Softmax(scores);
                entropy[(i * shape.QueryHeads) + head] =
                    weights.Length == 1 ? 0 : ReferenceMath.Entropy(weights) / Math.Log(weights.Length);
                for (int j = 0; j < weights.Length; j++)
                {
                    ReadOnlySpan<double> v = values.Slice(((first + j) * kvWidth) + kvOffset, shape.HeadDim);
                    for (int d = 0; d < shape.HeadDim; d++)
                    {
                        output[(i * rowWidth) + (head * shape.HeadDim) + d] += weights[j] * v[d];
                    }
                }
            }
        }

        return (output, entropy);
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
