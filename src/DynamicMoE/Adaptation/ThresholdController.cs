namespace DynamicMoE;

/// <summary>
/// Holds a mean number of experts per token by moving one layer's threshold tau: an expert is kept while p(i) >= tau * p(1), that is while its
/// logit gap is at most -ln tau. A decayed histogram of gaps tells which gap gives the budget; what the realised mean still misses is made
/// good over the next tokens.
/// </summary>
/// <remarks>Readers of <see cref="Tau"/> never wait. A batch changes the state only after it was routed.</remarks>
public sealed class ThresholdController
{
    // The threshold is found anew after so many tokens: single-token calls share one search.
    private const int SearchTokens = 16;

    private readonly Lock _gate = new();
    private readonly ThresholdControllerOptions _options;
    private readonly GapHistogram _histogram = new();
    private double _budget;
    private double _error;
    private double _realised;
    private double _realisedWeight;
    private int _unsearched;
    private float _tau;
    private volatile bool _frozen;

    /// <summary>Makes a controller.</summary>
    /// <param name="options">Options; later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    public ThresholdController(ThresholdControllerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options.Validated();
        _budget = _options.Budget;
        _tau = _options.InitialTau;
    }

    /// <summary>Threshold in force, 0..1.</summary>
    public float Tau => Volatile.Read(ref _tau);

    /// <summary>Whether the state stands still.</summary>
    /// <value>The default is false.</value>
    public bool Frozen
    {
        get => _frozen;
        set => _frozen = value;
    }

    /// <summary>Mean experts per token to hold.</summary>
    /// <value>Between the options' MinExperts and MaxExperts.</value>
    /// <exception cref="RouterConfigurationException">The value is outside its range.</exception>
    public double Budget
    {
        get => Volatile.Read(ref _budget);
        set
        {
            new OptionRules(nameof(ThresholdController))
                .Range(nameof(Budget), value, _options.MinExperts, _options.MaxExperts)
                .ThrowIfBroken();
            lock (_gate)
            {
                Volatile.Write(ref _budget, value);
                _error = 0;
                Search();
            }
        }
    }

    /// <summary>Realised mean experts per token over about the last MemoryTokens tokens; NaN before the first.</summary>
    public double RealisedMean
    {
        get
        {
            lock (_gate)
            {
                return _realisedWeight == 0 ? double.NaN : _realised / _realisedWeight;
            }
        }
    }

    /// <summary>Learns from a routed batch.</summary>
    /// <param name="gaps">Logit of the first choice minus that of each choice, <c>[tokens, slots]</c>, before any stop.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="slots">Columns, at least MaxExperts.</param>
    /// <param name="counts">Experts used, <c>[tokens]</c>; empty when the tokens had thresholds of their own and say nothing about this one.</param>
    /// <exception cref="RoutingValidationException">A shape does not fit.</exception>
    public void Observe(ReadOnlySpan<float> gaps, int tokens, int slots, ReadOnlySpan<int> counts)
    {
        Shapes.RequireRows(gaps.Length, tokens, slots, nameof(gaps));
        if (slots < _options.MaxExperts || (!counts.IsEmpty && counts.Length != tokens))
        {
            throw new RoutingValidationException(
                $"gaps has {slots} slots, at least {_options.MaxExperts} are needed; counts has {counts.Length} elements, 0 or {tokens} are needed.");
        }

        if (_frozen)
        {
            return;
        }

        lock (_gate)
        {
            double decay = Math.Exp(-tokens / _options.MemoryTokens);
            AddGaps(gaps, tokens, slots, decay);
            AddCounts(counts, decay);
            _unsearched += tokens;
            if (_unsearched >= SearchTokens)
            {
                Search();
            }
        }
    }

    /// <summary>Threshold that would give another mean on what was seen so far.</summary>
    /// <param name="meanExperts">Mean experts per token; clamped to MinExperts..MaxExperts.</param>
    /// <returns>A threshold in 0..1; the options' InitialTau before the first batch.</returns>
    public float TauFor(double meanExperts)
    {
        lock (_gate)
        {
            return Find(meanExperts);
        }
    }

    /// <summary>Copies the state.</summary>
    /// <returns>A snapshot that <see cref="Restore"/> takes.</returns>
    public ThresholdControllerSnapshot Snapshot()
    {
        lock (_gate)
        {
            var counts = new double[GapHistogram.Bins];
            _histogram.CopyTo(counts);
            return new ThresholdControllerSnapshot(_budget, _tau, _error, _histogram.Tokens, counts);
        }
    }

    /// <summary>Takes over a state.</summary>
    /// <param name="snapshot">From <see cref="Snapshot"/>, of a controller with the same MinExperts and MaxExperts.</param>
    /// <exception cref="ArgumentNullException"><paramref name="snapshot"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">The snapshot does not fit; nothing was changed.</exception>
    public void Restore(ThresholdControllerSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        new OptionRules(nameof(ThresholdControllerSnapshot))
            .Range(nameof(snapshot.Budget), snapshot.Budget, _options.MinExperts, _options.MaxExperts)
            .Range(nameof(snapshot.Tau), snapshot.Tau, 0.0, 1.0)
            .Require(double.IsFinite(snapshot.Error), $"Error ({snapshot.Error}) must be finite.")
            .Range(nameof(snapshot.Tokens), snapshot.Tokens, 0, double.MaxValue)
            .Require(snapshot.GapCounts.Count == GapHistogram.Bins, $"GapCounts has {snapshot.GapCounts.Count} bins, {GapHistogram.Bins} are needed.")
            .Require(snapshot.GapCounts.All(count => count >= 0 && double.IsFinite(count)), $"GapCounts must be finite and at least 0.")
            .ThrowIfBroken();
        lock (_gate)
        {
            _histogram.Restore(snapshot.GapCounts.ToArray(), snapshot.Tokens);
            _error = snapshot.Error;
            _realised = 0;
            _realisedWeight = 0;
            _unsearched = 0;
            Volatile.Write(ref _budget, snapshot.Budget);
            Volatile.Write(ref _tau, snapshot.Tau);
        }
    }

    private void AddGaps(ReadOnlySpan<float> gaps, int tokens, int slots, double decay)
    {
        _histogram.Decay(decay);
        for (int token = 0; token < tokens; token++)
        {
            _histogram.AddToken();
            float stop = 0;
            for (int slot = 0; slot < _options.MaxExperts; slot++)
            {
                // A selection bias orders by something else than the gap: an expert is reached only past all before it.
                stop = Math.Max(stop, gaps[token * slots + slot]);
                if (slot >= _options.MinExperts)
                {
                    _histogram.AddGap(stop);
                }
            }
        }
    }

    private void AddCounts(ReadOnlySpan<int> counts, double decay)
    {
        if (counts.IsEmpty)
        {
            return;
        }

        long sum = 0;
        foreach (int count in counts)
        {
            sum += count;
        }

        _realised = _realised * decay + sum;
        _realisedWeight = _realisedWeight * decay + counts.Length;
        _error += _budget * counts.Length - sum;

        // An unreachable budget must not wind the correction up.
        double most = 0.25 * (_options.MaxExperts - _options.MinExperts) * _options.CorrectionTokens;
        _error = Math.Clamp(_error, -most, most);
    }

    private void Search()
    {
        _unsearched = 0;
        Volatile.Write(ref _tau, Find(_budget + _error / _options.CorrectionTokens));
    }

    private float Find(double meanExperts)
    {
        if (_histogram.Tokens == 0)
        {
            return _options.InitialTau;
        }

        double mean = Math.Clamp(meanExperts, _options.MinExperts, _options.MaxExperts);
        return (float)Math.Exp(-_histogram.GapAt((mean - _options.MinExperts) * _histogram.Tokens));
    }
}
