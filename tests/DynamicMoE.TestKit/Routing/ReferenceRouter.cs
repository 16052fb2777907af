using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Routing;

/// <summary>DESIGN.md section 4 in double precision, one token at a time, as the text reads.</summary>
public static class ReferenceRouter
{
    /// <summary>Logits h Wg^T + b with their float32 error bounds.</summary>
    /// <param name="hidden"><c>[tokens, hidden]</c>.</param>
    /// <param name="weights"><c>[experts, hidden]</c>.</param>
    /// <param name="bias"><c>[experts]</c> or null.</param>
    /// <param name="experts">E.</param>
    public static BoundedValues Logits(ReadOnlySpan<float> hidden, ReadOnlySpan<float> weights, float[]? bias, int experts)
    {
        int width = weights.Length / experts;
        int tokens = hidden.Length / width;
        var values = new double[tokens * experts];
        var bounds = new double[values.Length];
        for (int t = 0; t < tokens; t++)
        {
            for (int e = 0; e < experts; e++)
            {
                double sum = bias?[e] ?? 0;
                double magnitude = Math.Abs(sum);
                for (int d = 0; d < width; d++)
                {
                    double term = (double)hidden[(t * width) + d] * weights[(e * width) + d];
                    sum += term;
                    magnitude += Math.Abs(term);
                }

                values[(t * experts) + e] = sum;
                bounds[(t * experts) + e] = Tolerance.Gamma(width + 1) * magnitude;
            }
        }

        return new BoundedValues(values, bounds, "gamma(D + 1) * sum|h||w|: one rounding per fma and one for the bias");
    }

    /// <summary>Routes hidden states; noise is added in double.</summary>
    /// <exception cref="ReferenceFaultException">A non-finite logit, or too few usable experts.</exception>
    public static ReferenceRoutes Route(
        ReadOnlySpan<float> hidden, ReadOnlySpan<float> weights, float[]? bias, GateRules gate, RouteRules rules)
    {
        double[] logits = Logits(hidden, weights, bias, gate.Experts).Values;
        if (rules.NoiseFactor > 0)
        {
            for (int i = 0; i < logits.Length; i++)
            {
                logits[i] += (double)rules.NoiseFactor * Noise(rules, i / gate.Experts, i % gate.Experts);
            }
        }

        return Decide(logits, gate, rules);
    }

    /// <summary>Routes given float logits. Noise is added as the product does, in float32, so that order decisions compare exactly.</summary>
    /// <exception cref="ReferenceFaultException">A non-finite logit, or too few usable experts.</exception>
    public static ReferenceRoutes Select(ReadOnlySpan<float> logits, GateRules gate, RouteRules rules)
    {
        var values = new double[logits.Length];
        for (int i = 0; i < values.Length; i++)
        {
            float noise = rules.NoiseFactor > 0
                ? rules.NoiseFactor * Noise(rules, i / gate.Experts, i % gate.Experts)
                : 0f;
            values[i] = logits[i] + noise;
        }

        return Decide(values, gate, rules);
    }

    private static float Noise(RouteRules rules, int token, int expert) =>
        Philox.Noise(rules.NoiseSeed, rules.Positions?[token] ?? token, expert);

    /// <summary>Decides on double-precision logits, noise included.</summary>
    internal static ReferenceRoutes Decide(double[] logits, GateRules gate, RouteRules rules)
    {
        int tokens = logits.Length / gate.Experts;
        int bad = Array.FindIndex(logits, l => !double.IsFinite(l));
        if (bad >= 0)
        {
            throw new ReferenceFaultException(ReferenceFault.NotFinite, bad / gate.Experts);
        }

        var routes = new ReferenceRoutes(tokens, gate.Experts) { Logits = logits };
        for (int t = 0; t < tokens; t++)
        {
            new TokenDecision(logits.AsSpan(t * gate.Experts, gate.Experts), t, gate, rules).WriteTo(routes);
        }

        return routes;
    }
}
