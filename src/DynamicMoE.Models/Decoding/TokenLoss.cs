using System.Numerics.Tensors;

namespace DynamicMoE.Models;

/// <summary>How much a model was surprised, in double precision.</summary>
internal static class TokenLoss
{
    /// <summary>-ln softmax(logits)[token].</summary>
    /// <param name="logits">One row, finite.</param>
    /// <param name="token">Index into the row.</param>
    public static double Nats(ReadOnlySpan<float> logits, int token) => LogSum(logits) - logits[token];

    /// <summary>ln of the sum of exp(logits).</summary>
    /// <param name="logits">One row, finite.</param>
    public static double LogSum(ReadOnlySpan<float> logits)
    {
        double most = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - most);
        }

        return Math.Log(sum) + most;
    }
}
