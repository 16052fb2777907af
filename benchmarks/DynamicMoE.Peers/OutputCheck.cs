namespace DynamicMoE.Peers;

/// <summary>An implementation computes something else than the layer.</summary>
internal sealed class WrongOutputException(string message) : Exception(message);

/// <summary>Compares outputs with the double-precision reference, before any time counts.</summary>
internal static class OutputCheck
{
    private const int SampledTokens = 8;

    /// <summary>Runs the batches that hold the sampled tokens.</summary>
    /// <returns>The largest |y - reference| / |reference| of a sampled token.</returns>
    /// <exception cref="WrongOutputException">It exceeds what the format allows.</exception>
    public static double Run(string name, IPreparedLayer layer, TokenBatches batches, LayerWeights weights)
    {
        double worst = 0;
        int hidden = weights.Shape.Hidden;
        var output = new float[batches.Tokens * hidden];
        foreach (IGrouping<int, (int Batch, int Row)> batch in batches.Sample(SampledTokens).GroupBy(token => token.Batch))
        {
            layer.Run(batch.Key);
            layer.CopyOutput(output);
            foreach ((_, int row) in batch)
            {
                double[] reference = batches.Pool.Reference((batch.Key * batches.Tokens) + row);
                worst = Math.Max(worst, RelativeError(output.AsSpan(row * hidden, hidden), reference));
            }
        }

        // Also refuses NaN.
        return worst <= Formats.OutputError(weights.Format) ? worst : throw new WrongOutputException(
            $"{name}, shape {weights.Shape.Name}, {Formats.Name(weights.Format)}, {batches.Tokens} tokens: relative error {worst:g3}, "
            + $"{Formats.OutputError(weights.Format):g3} is allowed.");
    }

    private static double RelativeError(ReadOnlySpan<float> actual, double[] reference)
    {
        double error = 0, norm = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            error += (actual[i] - reference[i]) * (actual[i] - reference[i]);
            norm += reference[i] * reference[i];
        }

        return Math.Sqrt(error / norm);
    }
}
