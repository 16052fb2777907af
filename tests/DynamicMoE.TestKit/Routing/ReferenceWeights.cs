namespace DynamicMoE.TestKit.Routing;

/// <summary>DESIGN.md 4.6: weight = c * g.</summary>
internal static class ReferenceWeights
{
    public static double[] Of(
        int[] selected, int[] trained, double[] logits, double[] p, GateRules gate, ReferenceWeighting weighting)
    {
        double[] g = weighting switch
        {
            ReferenceWeighting.Renormalize => Share(selected, selected, logits, p, gate.Gate),
            ReferenceWeighting.TrainedScale => Share(selected, trained, logits, p, gate.Gate),
            _ => Array.ConvertAll(selected, e => p[e]),
        };
        return Array.ConvertAll(g, value => value * gate.RoutedScale);
    }

    // p(e) / sum of p over the base. For softmax gates both sides are exponentials of logits, shifted by the best
    // of them, so that a set of tiny p keeps its proportions.
    private static double[] Share(int[] selected, int[] over, double[] logits, double[] p, ReferenceGate gate)
    {
        if (gate == ReferenceGate.Sigmoid)
        {
            double sum = over.Sum(e => p[e]);
            return Array.ConvertAll(selected, e => p[e] / sum);
        }

        double best = over.Max(e => logits[e]);
        double total = over.Sum(e => Math.Exp(logits[e] - best));
        return Array.ConvertAll(selected, e => Math.Exp(logits[e] - best) / total);
    }
}
