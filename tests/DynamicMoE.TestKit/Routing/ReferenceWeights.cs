using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Routing;

/// <summary>DESIGN.md 4.6: weight = c * g.</summary>
internal static class ReferenceWeights
{
    public static double[] Of(
        int[] selected, int[] trained, double[] logits, double[] p, GateRules gate, ReferenceWeighting weighting)
    {
        double[] g = weighting switch
        {
            ReferenceWeighting.Renormalize => Share(selected, selected, logits, gate.Gate),
            ReferenceWeighting.TrainedScale => Share(selected, trained, logits, gate.Gate),
            _ => Array.ConvertAll(selected, e => p[e]),
        };
        return Array.ConvertAll(g, value => value * gate.RoutedScale);
    }

    // p(e) / sum of p over the base, from logarithms shifted by the best of them, so that a set of tiny p keeps its
    // proportions.
    private static double[] Share(int[] selected, int[] over, double[] logits, ReferenceGate gate)
    {
        double Log(int e) => gate == ReferenceGate.Softmax ? logits[e] : ReferenceMath.LogSigmoid(logits[e]);
        double best = over.Max(Log);
        double total = over.Sum(e => Math.Exp(Log(e) - best));
        return Array.ConvertAll(selected, e => Math.Exp(Log(e) - best) / total);
    }
}
