using DynamicMoE.Cli.Sweep.Scores;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep;

/// <summary>Writes down a signal's values while the model routes as it was trained.</summary>
internal sealed class ScoreCollector(ITokenScore score, int layers, int columns) : IRoutingAdvisor
{
    private readonly List<float>[] _values = [.. Enumerable.Range(0, layers).Select(_ => new List<float>())];
    private float[] _buffer = [];

    /// <inheritdoc/>
    public RoutingContext? Advise(in RoutedInput input)
    {
        Array.Resize(ref _buffer, input.Tokens * columns);
        score.Measure(in input, _buffer);
        _values[input.Index].AddRange(_buffer);
        return null;
    }

    /// <summary>One table per layer of what was seen.</summary>
    public RankTable[] Tables() => [.. _values.Select(values => new RankTable(values))];
}
