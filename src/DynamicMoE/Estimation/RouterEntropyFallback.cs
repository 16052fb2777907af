using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>What an entropy estimator does when the host model supplies nothing: the router's own uncertainty, or 0.5 outside a router.</summary>
internal static class RouterEntropyFallback
{
    internal static void Estimate(in EstimationInput input, float temperature, Span<float> raw)
    {
        ReadOnlySpan<float> logits = input.RouterLogits();
        if (logits.IsEmpty)
        {
            raw.Fill(0.5f);
            return;
        }

        ScoreCalls.SoftmaxEntropy(logits, input.Tokens, logits.Length / input.Tokens, temperature, raw);
    }
}
