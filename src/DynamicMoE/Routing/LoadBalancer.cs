namespace DynamicMoE;

/// <summary>
/// Selection bias that evens out load without an auxiliary loss: after each window of batches a usable expert with more than the mean number of
/// routes loses one step, one with fewer gains one; the bias stays within a bound and is used for choosing only, never for weights.
/// </summary>
internal sealed class LoadBalancer(int experts, float step, float bound)
{
    private readonly Lock _writer = new();
    private readonly float[] _bias = new float[experts];
    private readonly SequencedFloats _published = new(experts);
    private readonly RouteWindow _window = new(experts);

    /// <summary>Adds the current bias to <paramref name="fixedBias"/> (or to zeros when that is empty).</summary>
    internal void Read(ReadOnlySpan<float> fixedBias, Span<float> destination)
    {
        _published.Read(destination);
        for (int expert = 0; expert < fixedBias.Length; expert++)
        {
            destination[expert] += fixedBias[expert];
        }
    }

    /// <summary>Learns from a batch.</summary>
    /// <param name="routes">Routes of each expert.</param>
    /// <param name="mask">0 = the expert could not be chosen; empty = all could.</param>
    internal void Update(ReadOnlySpan<long> routes, ReadOnlySpan<byte> mask = default)
    {
        lock (_writer)
        {
            if (_window.Add(routes, mask))
            {
                Step();
            }
        }
    }

    /// <summary>Copies the bias that was learnt.</summary>
    internal float[] Copy()
    {
        lock (_writer)
        {
            return [.. _bias];
        }
    }

    /// <summary>Takes over a bias within the bound; what was gathered for the next step is dropped.</summary>
    internal void Restore(IReadOnlyList<float> bias)
    {
        lock (_writer)
        {
            bias.ToArray().CopyTo(_bias, 0);
            _published.Write(_bias);
            _window.Clear();
        }
    }

    private void Step()
    {
        for (int expert = 0; expert < _bias.Length; expert++)
        {
            if (_window.IsUsable(expert))
            {
                // Sign of mean - load, in integers so that an even load never drifts.
                int direction = Math.Sign(_window.Total - _window.Routes[expert] * _window.Usable);
                _bias[expert] = Math.Clamp(_bias[expert] + direction * step, -bound, bound);
            }
        }

        _published.Write(_bias);
        _window.Clear();
    }
}
