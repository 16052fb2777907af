using DynamicMoE.Cli.Benchmarking;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep.Scores;

/// <summary>The control: a number that knows nothing.</summary>
internal sealed class RandomScore(ulong seed) : ITokenScore
{
    private RandomBits _random = new(seed);

    /// <inheritdoc/>
    public string Name => "random";

    /// <inheritdoc/>
    public void Measure(in RoutedInput input, Span<float> values)
    {
        foreach (ref float value in values)
        {
            value = (float)_random.NextDouble();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
