namespace DynamicMoE.TestKit.Generators;

/// <summary>Router logits <c>[tokens, experts]</c> with the shapes that break selection code.</summary>
public static class RouterLogits
{
    /// <summary>Names of the finite cases, in the order of <see cref="Finite"/>.</summary>
    public static IReadOnlyList<string> FiniteCases { get; } =
        ["gaussian", "confident", "all_equal", "pair_ties", "quantised_ties", "one_hot", "denormal", "huge", "descending", "ascending", "signed_zero"];

    /// <summary>Names of the cases that a router must refuse.</summary>
    public static IReadOnlyList<string> RefusedCases { get; } = ["nan", "positive_infinity", "negative_infinity"];

    /// <summary>A finite case by name.</summary>
    /// <exception cref="ArgumentException">The name is not one of <see cref="FiniteCases"/>.</exception>
    public static float[] Finite(string name, int tokens, int experts, ulong seed = 1)
    {
        var random = new SeededRandom(seed);
        var logits = new float[tokens * experts];
        for (int t = 0; t < tokens; t++)
        {
            int hot = random.NextInt(0, experts);
            for (int e = 0; e < experts; e++)
            {
                logits[(t * experts) + e] = name switch
                {
                    "gaussian" => (float)random.NextGaussian(),
                    "confident" => (float)random.NextGaussian() * 8,
                    "all_equal" => 0.25f,
                    "pair_ties" => e / 2 * 0.5f,
                    "quantised_ties" => random.NextInt(-2, 3) * 0.5f,
                    "one_hot" => e == hot ? 50f : 0f,
                    "denormal" => random.NextInt(-5, 6) * float.Epsilon,
                    "huge" => (float)random.NextGaussian() * 1e30f,
                    "descending" => -e * 0.125f,
                    "ascending" => e * 0.125f,
                    "signed_zero" => e % 2 == 0 ? -0f : 0f,
                    _ => throw new ArgumentException($"'{name}' is not one of {string.Join(", ", FiniteCases)}", nameof(name)),
                };
            }
        }

        return logits;
    }

    /// <summary>Gaussian logits with one refused value in the given token.</summary>
    /// <exception cref="ArgumentException">The name is not one of <see cref="RefusedCases"/>.</exception>
    public static float[] Refused(string name, int tokens, int experts, int badToken, ulong seed = 1)
    {
        float[] logits = Finite("gaussian", tokens, experts, seed);
        logits[(badToken * experts) + (experts / 2)] = name switch
        {
            "nan" => float.NaN,
            "positive_infinity" => float.PositiveInfinity,
            "negative_infinity" => float.NegativeInfinity,
            _ => throw new ArgumentException($"'{name}' is not one of {string.Join(", ", RefusedCases)}", nameof(name)),
        };
        return logits;
    }
}
