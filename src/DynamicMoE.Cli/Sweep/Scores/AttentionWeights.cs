using System.Numerics.Tensors;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep.Scores;

/// <summary>The weights with which tokens attend, which the fused attention does not keep.</summary>
internal static class AttentionWeights
{
    /// <summary>softmax(q k / sqrt(head size)) over the keys that a token sees, 0 over all others.</summary>
    /// <param name="config">Shape of the attention.</param>
    /// <param name="input">Queries and keys.</param>
    /// <param name="weights">[out] <c>[Tokens * QueryHeads, Position + Tokens]</c>, heads of a token side by side.</param>
    /// <param name="visible">[out] Keys that each token sees, <c>[Tokens]</c>.</param>
    public static void Compute(AttentionConfig config, in RoutedInput input, Span<float> weights, Span<int> visible)
    {
        int keys = input.Position + input.Tokens, shared = config.QueryHeads / config.KeyValueHeads;
        float scale = 1 / MathF.Sqrt(config.HeadSize);
        weights.Clear();
        for (int token = 0; token < input.Tokens; token++)
        {
            int end = input.Position + token + 1, first = Math.Max(0, end - (config.SlidingWindow ?? end));
            visible[token] = end - first;
            for (int head = 0; head < config.QueryHeads; head++)
            {
                ReadOnlySpan<float> query = input.Query.Slice((token * config.QueryWidth) + (head * config.HeadSize), config.HeadSize);
                Span<float> row = weights.Slice((((token * config.QueryHeads) + head) * keys) + first, visible[token]);
                for (int key = 0; key < row.Length; key++)
                {
                    int at = ((first + key) * config.KeyValueWidth) + (head / shared * config.HeadSize);
                    row[key] = TensorPrimitives.Dot(query, input.Keys.Slice(at, config.HeadSize)) * scale;
                }

                TensorPrimitives.SoftMax(row, row);
            }
        }
    }
}
