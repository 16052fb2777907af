namespace DynamicMoE;

/// <summary>
/// Watches what dynamic routing costs in quality: a sampled share of tokens is run again at the trained number of experts, off the hot path. The
/// drift is a metric (<see cref="MoEMetrics"/>); a mean above its limit raises the budget's floor step by step, calm means lower it again.
/// </summary>
/// <remarks>
/// Drift of a layer is |y - y_full| / |y_full| (L2) per token, y_full with the router's own weighting, selection bias and disabled experts, without
/// noise and without a cap on distinct experts. Hand one guardrail to every layer of a model: they share the floor. Tokens that bring an expert mask, a
/// count, a threshold or a quality of their own are not sampled: they chose their quality. Cost: one hash per token; a sampled token also two row copies,
/// and one run of its experts on another thread.
/// </remarks>
public sealed class ShadowGuardrail : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<ShadowWork> _work = [];
    private readonly ArbiterFloors? _floors;
    private readonly Lazy<FloorControl.Source> _logits;
    private Tally _drift;
    private Tally _divergence;
    private long _dropped;
    private long _failed;

    /// <summary>Makes a guardrail. The routers of the layers that it is handed to bring their budgets; without any it measures only.</summary>
    /// <param name="options">Options; null for the defaults. Later changes to it have no effect.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    public ShadowGuardrail(GuardrailOptions? options = null)
        : this(options, new ArbiterFloors())
    {
    }

    internal ShadowGuardrail(GuardrailOptions? options, IBudgetFloor budget)
    {
        _floors = budget as ArbiterFloors;
        Options = (options ?? new GuardrailOptions()).Validated();
        Control = new FloorControl(Options, budget);
        _logits = new Lazy<FloorControl.Source>(() => Control.Attach("logits", Options.DivergenceLimit));
    }

    internal GuardrailOptions Options { get; }

    internal FloorControl Control { get; }

    /// <summary>Number of floor moves so far: what <see cref="ReportDivergence"/> wants to know of a sample.</summary>
    public long Generation => Control.Generation;

    /// <summary>Adds the divergence of one next-token distribution from that at the trained number of experts.</summary>
    /// <param name="nats">KL(full || dynamic) in nats, finite; rounding below 0 counts as 0.</param>
    /// <param name="generation"><see cref="Generation"/> when the position was decoded: under another floor the sample counts for the metric only.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="nats"/> is not finite.</exception>
    public void ReportDivergence(double nats, long generation)
    {
        if (!double.IsFinite(nats))
        {
            throw new ArgumentOutOfRangeException(nameof(nats), nats, "Must be finite.");
        }

        double divergence = Math.Max(0, nats);
        GuardrailInstruments.Divergence.Record(divergence);
        Count(ref _divergence, divergence);
        Control.Add(_logits.Value, divergence, generation);
    }

    /// <summary>Tells whether a position is sampled: by seed, rate and position alone.</summary>
    /// <param name="position">The position, or any other number that tells a sample from others.</param>
    /// <returns>The same answer every time.</returns>
    public bool Samples(long position) => new TokenSampler(Options.SampleRate, Options.Seed).Takes(position);

    /// <summary>Runs on the calling thread what waits for the worker.</summary>
    public void RunPending()
    {
        foreach (ShadowWork work in Work())
        {
            work.RunPending();
        }
    }

    /// <summary>Tells what happened so far.</summary>
    /// <returns>A snapshot.</returns>
    public GuardrailStatus GetStatus()
    {
        lock (_gate)
        {
            return new GuardrailStatus(
                _drift.Count + _divergence.Count, _drift.Mean, _divergence.Mean, Volatile.Read(ref _dropped), Volatile.Read(ref _failed),
                Control.Floor, Control.Raised, Control.Lowered);
        }
    }

    /// <summary>Stops sampling and takes the floor away. A second call does nothing.</summary>
    public void Dispose()
    {
        // The floor goes first: it has to reach the budgets that the layers take along.
        Control.Release();
        foreach (ShadowWork work in Work())
        {
            work.Dispose();
        }
    }

    /// <summary>Counts samples that could not be compared, and logs the first failure.</summary>
    /// <param name="source">Where: a name of a bounded set.</param>
    /// <param name="samples">How many.</param>
    /// <param name="error">Why.</param>
    /// <exception cref="ArgumentNullException"><paramref name="source"/> or <paramref name="error"/> is null.</exception>
    public void ReportFailure(string source, int samples, Exception error)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(error);
        if (Interlocked.Add(ref _failed, samples) == samples && Options.Logger is { } logger)
        {
            Log.ShadowFailed(logger, error, source);
        }
    }

    /// <summary>Counts a sample that found its queue full.</summary>
    /// <param name="source">Where: a name of a bounded set.</param>
    /// <exception cref="ArgumentNullException"><paramref name="source"/> is null.</exception>
    public void ReportDropped(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Interlocked.Increment(ref _dropped);
        GuardrailInstruments.Dropped.Add(1, GuardrailInstruments.Layer(source));
    }

    internal void Add(ShadowWork work)
    {
        lock (_gate)
        {
            _work.Add(work);
        }
    }

    internal void Remove(ShadowWork work)
    {
        lock (_gate)
        {
            _work.Remove(work);
        }
    }

    internal FloorControl.Source Attach(string name, BudgetArbiter? arbiter)
    {
        if (arbiter is not null)
        {
            _floors?.Add(arbiter);
        }

        return Control.Attach(name, Options.DriftLimit);
    }

    internal void Detach(FloorControl.Source source, BudgetArbiter? arbiter)
    {
        Control.Detach(source);
        if (arbiter is not null)
        {
            _floors?.Remove(arbiter);
        }
    }

    internal void Report(FloorControl.Source source, double drift, long generation)
    {
        GuardrailInstruments.Drift.Record(drift, GuardrailInstruments.Layer(source.Name));
        Count(ref _drift, drift);
        Control.Add(source, drift, generation);
    }

    private ShadowWork[] Work()
    {
        lock (_gate)
        {
            return [.. _work];
        }
    }

    private void Count(ref Tally tally, double value)
    {
        lock (_gate)
        {
            tally = new Tally(tally.Count + 1, tally.Sum + value);
        }
    }

    private readonly record struct Tally(long Count, double Sum)
    {
        public double Mean => Count == 0 ? double.NaN : Sum / Count;
    }
}
