using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls for raw complexity values; one per row.</summary>
internal static unsafe class ScoreCalls
{
    internal static void L2Norm(ReadOnlySpan<float> rows, int count, int columns, Span<float> scores)
    {
        fixed (float* r = rows)
        fixed (float* s = scores)
        {
            DmoeMatrixF32 input = Views.Input(r, count, columns);
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_score_l2_norm(&input, s));
        }
    }

    internal static void SoftmaxEntropy(ReadOnlySpan<float> rows, int count, int columns, float temperature, Span<float> scores)
    {
        fixed (float* r = rows)
        fixed (float* s = scores)
        {
            DmoeMatrixF32 input = Views.Input(r, count, columns);
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_score_softmax_entropy(&input, temperature, s));
        }
    }

    internal static void AttentionEntropy(
        ReadOnlySpan<float> attention, int tokens, int heads, ReadOnlySpan<int> visible, float temperature, float epsilon,
        HeadAggregation aggregation, Span<float> scores)
    {
        fixed (float* a = attention)
        fixed (int* v = visible)
        fixed (float* s = scores)
        {
            DmoeMatrixF32 input = Views.Input(a, tokens * heads, attention.Length / (tokens * heads));
            NativeStatus.ThrowIfFailed(
                NativeMethods.dmoe_score_attention_entropy(&input, heads, v, temperature, epsilon, (int)aggregation, s));
        }
    }
}
