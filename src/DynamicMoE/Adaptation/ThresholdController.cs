namespace DynamicMoE;

/// <summary>
/// Holds a mean number of experts per token by moving one layer's threshold tau: an expert is kept while p(i) >= tau * p(1), that is while its
/// logit gap is at most -ln tau. A decayed histogram of gaps tells which gap gives the budget; what the realised mean still misses is made
/// good over the next tokens. Where many gaps are equal, so that no threshold gives the budget, the nearest reachable mean is held.
/// </summary>
/// <remarks>Readers of <see cref="Tau"/> and <see cref="TauFor"/> never wait. A batch changes the state only after it was routed. Nothing here
/// throws because a budget is missed but <see cref="WaitForConvergenceAsync"/>.</remarks>
public sealed partial class ThresholdController
{
    // The threshold is found anew after so many tokens: single-token calls share one search.
    private const int SearchTokens = 16;

    // A reachable mean that is closer than this share of the budget counts as the budget: half of what the window tolerates.
    private const double AttainableShare = Convergence.Tolerance / 2;

    private readonly Lock _gate = new();
    private readonly ThresholdControllerOptions _options;
    private readonly GapHistogram _histogram = new();
    private readonly Convergence _convergence = new();
    private TauTable? _table;
    private double _budget;
    private double _error;
    private double _reachable = double.NaN;
    private int _unsearched;
    private float _tau;
    private bool _high;
    private volatile bool _attainable = true;
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
        _tau = UnseenTau(_budget);
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

    /// <summary>Mean experts per token to hold: that of the options, or what a <see cref="BudgetArbiter"/> wrote since.</summary>
    public double Budget => Volatile.Read(ref _budget);

    /// <summary>Whether some threshold gives the budget within 1 %, as far as was seen. If not, <see cref="ReachableMean"/> is held.</summary>
    /// <value>True before the first batch.</value>
    public bool BudgetAttainable => _attainable;

    /// <summary>The mean experts per token nearest to the budget that a threshold gives on what was seen; NaN before the first search.</summary>
    public double ReachableMean => Volatile.Read(ref _reachable);

    /// <summary>Whether the realised mean holds the budget.</summary>
    public ConvergenceState State => _convergence.State;

    /// <summary>Realised mean experts per token over the last 100 batches of 64 tokens or more, smaller batches gathered; NaN before the first.</summary>
    public double RealisedMean
    {
        get
        {
            lock (_gate)
            {
                return _convergence.Mean;
            }
        }
    }

    /// <summary>Told of a change of <see cref="State"/> or <see cref="BudgetAttainable"/>; set by the arbiter that is in charge.</summary>
    internal Action<ThresholdController>? Changed { get; set; }

    /// <summary>Learns from a routed batch.</summary>
    /// <param name="gaps">Logit of the first choice minus that of each choice, <c>[tokens, slots]</c>, before any stop.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="slots">Columns, at least MaxExperts.</param>
    /// <param name="counts">Experts used, <c>[tokens]</c>; -1 for a token with a threshold of its own, which says nothing about this one. Empty when all had.</param>
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

        bool changed;
        lock (_gate)
        {
            AddGaps(gaps, tokens, slots);
            changed = AddCounts(counts);
            _unsearched += tokens;
            if (_unsearched >= SearchTokens)
            {
                changed |= Search();
            }
        }

        Tell(changed);
    }

    /// <summary>Threshold that would give another mean on what was seen so far.</summary>
    /// <param name="meanExperts">Mean experts per token; clamped to MinExperts..MaxExperts and met to 1/1024 of that range.</param>
    /// <returns>A threshold in 0..1: 0, which keeps every expert, at MaxExperts; before the first batch 1 at MinExperts, and in between the options' InitialTau.</returns>
    public float TauFor(double meanExperts)
    {
        if (meanExperts >= _options.MaxExperts || (Volatile.Read(ref _table) ?? FirstTable()) is not { } table)
        {
            return UnseenTau(meanExperts);
        }

        double range = _options.MaxExperts - _options.MinExperts;
        return table.Read(Math.Max(0, (meanExperts - _options.MinExperts) / range));
    }

    /// <summary>The arbiter's way to move the budget.</summary>
    internal void SetBudget(double budget)
    {
        bool changed;
        lock (_gate)
        {
            double within = Math.Clamp(budget, _options.MinExperts, _options.MaxExperts);
            if (within == _budget)
            {
                return;
            }

            Volatile.Write(ref _budget, within);
            changed = Search();
        }

        Tell(changed);
    }

    private void Tell(bool changed)
    {
        if (changed)
        {
            Changed?.Invoke(this);
        }
    }

    private void AddGaps(ReadOnlySpan<float> gaps, int tokens, int slots)
    {
        _histogram.Decay(Math.Exp(-tokens / _options.MemoryTokens));
        for (int token = 0; token < tokens; token++)
        {
            _histogram.AddToken();
            float stop = 0;
            for (int slot = 0; slot < _options.MaxExperts; slot++)
            {
                // A selection bias orders by something else than the gap: an expert is reached only past all before it.
                stop = Math.Max(stop, gaps[(token * slots) + slot]);
                if (slot >= _options.MinExperts)
                {
                    _histogram.AddGap(stop);
                }
            }
        }
    }

    private bool AddCounts(ReadOnlySpan<int> counts)
    {
        long routes = 0;
        int rows = 0;
        foreach (int count in counts)
        {
            // A token whose routes were all dropped for capacity has 0, and counts.
            routes += Math.Max(0, count);
            rows += count >= 0 ? 1 : 0;
        }

        if (rows == 0)
        {
            return false;
        }

        // An unreachable budget must not wind the correction up.
        double most = 0.25 * (_options.MaxExperts - _options.MinExperts) * _options.CorrectionTokens;
        _error = Math.Clamp(_error + (_budget * rows) - routes, -most, most);
        return _convergence.Add(rows, routes, _budget);
    }

    // What nothing needs to be seen for: every expert, or none beyond the first ones.
    private float UnseenTau(double meanExperts) =>
        meanExperts >= _options.MaxExperts ? 0 : meanExperts <= _options.MinExperts ? 1 : _options.InitialTau;

    // Returns whether the budget became attainable or ceased to be.
    private bool Search()
    {
        _unsearched = 0;
        if (_histogram.Tokens == 0)
        {
            Volatile.Write(ref _tau, UnseenTau(_budget));
            return false;
        }

        (float tau, double kept, bool high) = Bracket(_budget).Nearest(Count(_budget), _high);
        double mean = _options.MinExperts + (kept / _histogram.Tokens);
        bool attainable = Math.Abs(mean - _budget) <= AttainableShare * _budget;
        if (attainable)
        {
            double corrected = _budget + (_error / _options.CorrectionTokens);
            (tau, _, high) = Bracket(corrected).Nearest(Count(corrected), _high);
        }
        else
        {
            // Making the rest good would swing between the two reachable means.
            _error = 0;
        }

        _high = high;
        Volatile.Write(ref _reachable, mean);

        // Every expert, also of a token with a wider gap than any so far.
        Volatile.Write(ref _tau, _budget >= _options.MaxExperts ? 0 : tau);
        bool changed = attainable != _attainable;
        _attainable = attainable;
        Tabulate();
        return changed;
    }

    private double Count(double meanExperts) =>
        (Math.Clamp(meanExperts, _options.MinExperts, _options.MaxExperts) - _options.MinExperts) * _histogram.Tokens;

    private TauBracket Bracket(double meanExperts) => new TauSearch(_histogram).Find(Count(meanExperts));

    // Made when it is first asked for: most routers have no rows with budgets of their own.
    private TauTable? FirstTable()
    {
        lock (_gate)
        {
            if (_table is null && _histogram.Tokens > 0)
            {
                var table = new TauTable();
                table.Write(_histogram, _options.MaxExperts - _options.MinExperts);
                Volatile.Write(ref _table, table);
            }

            return _table;
        }
    }

    private void Tabulate()
    {
        if (_histogram.Tokens > 0)
        {
            _table?.Write(_histogram, _options.MaxExperts - _options.MinExperts);
        }
        else
        {
            Volatile.Write(ref _table, null);
        }
    }
}
