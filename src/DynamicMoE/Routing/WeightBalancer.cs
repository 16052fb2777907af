namespace DynamicMoE;

/// <summary>Lowers the weights of overused experts (see <see cref="LoadBalancingMode.WeightPenalty"/>); a token's sum of weights stays as it was.</summary>
internal sealed class WeightBalancer
{
    // Weight of the newest window in the running shares.
    private const double Newest = 0.05;

    // Shares within a tenth of the mean are even: in a balanced load somebody is always a standard deviation above it.
    private const double Even = 0.1;

    private readonly Lock _writer = new();
    private readonly float _penalised;
    private readonly double[] _shares;
    private readonly float[] _factors;
    private readonly SequencedFloats _published;
    private readonly RouteWindow _window;

    internal WeightBalancer(int experts, float penalty)
    {
        _penalised = 1 - penalty;
        _shares = new double[experts];
        Array.Fill(_shares, 1.0 / experts);
        _factors = new float[experts];
        Array.Fill(_factors, 1f);
        _published = new SequencedFloats(experts);
        _published.Write(_factors);
        _window = new RouteWindow(experts);
    }

    /// <summary>Copies the factor on each expert's weight.</summary>
    internal void Read(Span<float> factors) => _published.Read(factors);

    /// <summary>Scales the weights of routed tokens.</summary>
    /// <param name="routes">Decisions; their weights are changed.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="factors">Factor on each expert's weight.</param>
    internal static void Apply(RoutingBuffers routes, int tokens, ReadOnlySpan<float> factors)
    {
        for (int token = 0; token < tokens; token++)
        {
            ReadOnlySpan<int> ids = routes.IndicesOf(token);
            Span<float> weights = routes.ExpertWeights.AsSpan(token * routes.Slots, ids.Length);
            double before = 0;
            double after = 0;
            for (int slot = 0; slot < ids.Length; slot++)
            {
                before += weights[slot];
                after += (double)weights[slot] * factors[ids[slot]];
            }

            // Equal sums: no expert is penalised, or none has a weight. The bits stay.
            double scale = before == after ? 1 : before / after;
            for (int slot = 0; slot < ids.Length && scale != 1; slot++)
            {
                weights[slot] = (float)(weights[slot] * factors[ids[slot]] * scale);
            }
        }
    }

    /// <summary>Learns from a batch.</summary>
    /// <param name="routes">Routes of each expert.</param>
    /// <param name="mask">0 = the expert could not be chosen; empty = all could.</param>
    internal void Update(ReadOnlySpan<long> routes, ReadOnlySpan<byte> mask)
    {
        lock (_writer)
        {
            if (_window.Add(routes, mask))
            {
                Step();
                _published.Write(_factors);
                _window.Clear();
            }
        }
    }

    /// <summary>Copies what was learnt.</summary>
    internal (double[] Shares, float[] Factors) Copy()
    {
        lock (_writer)
        {
            return ([.. _shares], [.. _factors]);
        }
    }

    /// <summary>Takes over shares and factors; what was gathered for the next step is dropped.</summary>
    internal void Restore(IReadOnlyList<double> shares, IReadOnlyList<float> factors)
    {
        lock (_writer)
        {
            shares.ToArray().CopyTo(_shares, 0);
            factors.ToArray().CopyTo(_factors, 0);
            _published.Write(_factors);
            _window.Clear();
        }
    }

    private void Step()
    {
        double mean = 0;
        for (int expert = 0; expert < _shares.Length; expert++)
        {
            if (_window.IsUsable(expert))
            {
                _shares[expert] += Newest * ((double)_window.Routes[expert] / _window.Total - _shares[expert]);
                mean += _shares[expert] / _window.Usable;
            }
        }

        double variance = 0;
        for (int expert = 0; expert < _shares.Length; expert++)
        {
            double distance = _window.IsUsable(expert) ? _shares[expert] - mean : 0;
            variance += distance * distance / _window.Usable;
        }

        double limit = mean + Math.Max(Math.Sqrt(variance), Even * mean);
        for (int expert = 0; expert < _shares.Length; expert++)
        {
            _factors[expert] = _window.IsUsable(expert) && _shares[expert] > limit ? _penalised : 1;
        }
    }
}
