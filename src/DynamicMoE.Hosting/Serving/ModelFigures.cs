namespace DynamicMoE.Hosting;

/// <summary>What batches did with one model, for <see cref="ServiceStats"/>. Each model has its own, so that what still runs for the one before does not count for its successor.
/// Written by whoever runs batches, read from anywhere.</summary>
internal sealed class ModelFigures
{
    private readonly Lock _lock = new();
    private readonly List<long> _expertsPerToken = [];
    private readonly Dictionary<int, LayerTally> _layers = [];

    /// <summary>Adds tokens to the histogram of experts per token.</summary>
    /// <param name="experts">Experts of each token.</param>
    public void Used(ReadOnlySpan<int> experts)
    {
        lock (_lock)
        {
            foreach (int count in experts)
            {
                while (_expertsPerToken.Count <= count)
                {
                    _expertsPerToken.Add(0);
                }

                _expertsPerToken[count]++;
            }
        }
    }

    /// <summary>What a batch did in a layer.</summary>
    public void Routed(int layer, in RoutingReport report)
    {
        lock (_lock)
        {
            if (!_layers.TryGetValue(layer, out LayerTally? tally))
            {
                _layers[layer] = tally = new LayerTally();
            }

            tally.Add(report);
        }
    }

    /// <summary>What a layer did.</summary>
    public LayerTally Layer(int layer)
    {
        lock (_lock)
        {
            return _layers.TryGetValue(layer, out LayerTally? tally) ? tally.Copy() : new LayerTally();
        }
    }

    public IReadOnlyList<long> ExpertsPerToken()
    {
        lock (_lock)
        {
            return [.. _expertsPerToken];
        }
    }
}
