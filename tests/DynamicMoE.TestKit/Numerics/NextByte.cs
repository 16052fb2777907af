namespace DynamicMoE.TestKit.Numerics;

/// <summary>What logits say about the token that follows.</summary>
public static class NextByte
{
    /// <summary>Mean bits that the following token costs, over all positions but the last.</summary>
    /// <param name="logits"><c>[tokens, vocabulary]</c>.</param>
    /// <param name="tokens">Ids, at least 2.</param>
    public static double Bits(ReadOnlySpan<double> logits, ReadOnlySpan<int> tokens)
    {
        int vocabulary = logits.Length / tokens.Length;
        double nats = 0;
        for (int t = 0; t + 1 < tokens.Length; t++)
        {
            ReadOnlySpan<double> row = logits.Slice(t * vocabulary, vocabulary);
            double largest = double.NegativeInfinity, sum = 0;
            foreach (double logit in row)
            {
                largest = Math.Max(largest, logit);
            }

            foreach (double logit in row)
            {
                sum += Math.Exp(logit - largest);
            }

            nats += largest + Math.Log(sum) - row[tokens[t + 1]];
        }

        return nats / Math.Log(2) / (tokens.Length - 1);
    }
}
