using DynamicMoE.Cli.Models;

namespace DynamicMoE.Peers.Checks;

/// <summary>An implementation computes something else than the layer.</summary>
internal sealed class WrongOutputException(string message) : Exception(message);

/// <summary>Compares outputs with the double-precision reference, before any time counts.</summary>
internal static class OutputCheck
{
    /// <summary>Runs the batches that hold the checked tokens.</summary>
    /// <returns>The largest |y - reference| / |reference| of a checked token.</returns>
    /// <exception cref="WrongOutputException">It exceeds what the format explains.</exception>
    public static double Run(string name, IPreparedLayer layer, TokenBatches batches, LayerWeights weights, ReferenceOutputs reference)
    {
        double worst = 0;
        int hidden = weights.Shape.Hidden;
        var output = new float[batches.Tokens * hidden];
        foreach (IGrouping<int, (int Token, int Batch, int Row)> batch in batches.CheckedRows().GroupBy(token => token.Batch))
        {
            layer.Run(batch.Key);
            layer.CopyOutput(output);
            foreach ((int token, _, int row) in batch)
            {
                double error = reference.RelativeError(token, output.AsSpan(row * hidden, hidden));
                worst = error <= worst ? worst : error;
            }
        }

        // Also refuses NaN.
        double allowed = ErrorBounds.Output(weights.Format);
        return worst <= allowed ? worst : throw new WrongOutputException(
            $"{name}, shape {weights.Shape.Name}, {WeightFormats.Name(weights.Format)}, {batches.Tokens} tokens: relative error {worst:g3}, {allowed:g3} is allowed.");
    }
}
