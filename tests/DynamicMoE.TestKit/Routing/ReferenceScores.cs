using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Routing;

/// <summary>Combines the heads of an attention score.</summary>
public enum ReferenceHeads
{
    /// <summary>Arithmetic mean.</summary>
    Mean,

    /// <summary>Largest.</summary>
    Max,

    /// <summary>Smallest.</summary>
    Min,
}

/// <summary>Raw complexity signals of one token, by their definitions.</summary>
public static class ReferenceScores
{
    /// <summary>sqrt(sum x^2).</summary>
    public static double L2Norm(ReadOnlySpan<double> row)
    {
        double sum = 0;
        foreach (double value in row)
        {
            sum += value * value;
        }

        return Math.Sqrt(sum);
    }

    /// <summary>Entropy of softmax(row / temperature) over ln(columns); 0 for one column.</summary>
    public static double SoftmaxEntropy(ReadOnlySpan<double> row, double temperature = 1)
    {
        double[] scaled = Array.ConvertAll(row.ToArray(), value => value / temperature);
        return row.Length == 1 ? 0 : ReferenceMath.Entropy(ReferenceMath.Softmax(scaled)) / Math.Log(row.Length);
    }

    /// <summary>p(2)/p(1) of softmax(row); 0 for one column.</summary>
    public static double SoftmaxMargin(ReadOnlySpan<double> row)
    {
        double[] best = [.. row.ToArray().OrderDescending().Take(2)];
        return best.Length < 2 ? 0 : Math.Exp(best[1] - best[0]);
    }

    /// <summary>Entropy of each head's weights, each sharpened by power 1/temperature and normalised, over ln(visible), combined over heads.</summary>
    /// <param name="weights">[heads, keys], >= 0; keys at or beyond <paramref name="visible"/> are 0.</param>
    /// <param name="heads">Heads.</param>
    /// <param name="visible">Keys that the token sees; 1 gives 0.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="aggregation">How heads are combined.</param>
    public static double AttentionEntropy(
        ReadOnlySpan<double> weights, int heads, int visible, double temperature, ReferenceHeads aggregation)
    {
        int keys = weights.Length / heads;
        var entropies = new double[heads];
        for (int h = 0; h < heads; h++)
        {
            double[] sharp = Array.ConvertAll(weights.Slice(h * keys, keys).ToArray(), w => Math.Pow(w, 1 / temperature));
            double sum = sharp.Sum();
            entropies[h] = visible < 2 || sum == 0
                ? 0
                : ReferenceMath.Entropy(Array.ConvertAll(sharp, w => w / sum)) / Math.Log(visible);
        }

        return aggregation switch
        {
            ReferenceHeads.Max => entropies.Max(),
            ReferenceHeads.Min => entropies.Min(),
            _ => entropies.Average(),
        };
    }
}
