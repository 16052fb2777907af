using System.Numerics.Tensors;

namespace DynamicMoE.Cli.Evaluation;

/// <summary>How much a model was surprised.</summary>
internal static class TokenLoss
{
    /// <summary>-ln softmax(logits)[token], summed in double.</summary>
    /// <param name="logits">One row, finite.</param>
    /// <param name="token">Index into the row.</param>
    public static double Nats(ReadOnlySpan<float> logits, int token)
    {
        double max = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - max);
        }

        return Math.Log(sum) + max - logits[token];
    }
}
