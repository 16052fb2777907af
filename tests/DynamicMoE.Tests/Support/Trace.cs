using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.Tests.Support;

/// <summary>Synthetic logits of a text-like stream: each token's spread drifts slowly, so that neighbouring tokens resemble one another.</summary>
internal sealed class Trace(ulong seed, double scale = 1)
{
    private readonly SeededRandom _random = new(seed);
    private double _drift;

    /// <summary>Factor on the spread from now on: a shift of the input.</summary>
    public double Scale { get; set; } = scale;

    /// <summary>The next batch, <c>[tokens, experts]</c>.</summary>
    public float[] Next(int tokens, int experts)
    {
        var logits = new float[tokens * experts];
        for (int token = 0; token < tokens; token++)
        {
            _drift = 0.95 * _drift + 0.3 * _random.NextGaussian();
            double spread = Scale * Math.Exp(0.3 * _drift);
            for (int expert = 0; expert < experts; expert++)
            {
                logits[token * experts + expert] = (float)(_random.NextGaussian() * spread);
            }
        }

        return logits;
    }
}
