namespace DynamicMoE;

/// <summary>
/// A dynamic router whose score thresholds follow a performance signal. A token gets MinExperts plus one for each threshold below its score;
/// threshold j of MaxExperts - MinExperts lies at (j - 0.5 - offset) / (MaxExperts - MinExperts), so that a rising offset asks for more experts.
/// </summary>
public sealed class AdaptiveRouter : DynamicRouter
{
    private readonly Lock _gate = new();
    private readonly double _rate;
    private readonly double _smoothing;
    private double _mean = double.NaN;
    private double _offset;

    /// <summary>Makes a router with a random gate of its own.</summary>
    /// <param name="options">Options; InputDim and NumExperts are required. Later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    public AdaptiveRouter(AdaptiveRouterOptions options)
        : base(options?.Checked()!)
    {
        _rate = options!.AdaptationRate;
        _smoothing = options.PerformanceSmoothing;
    }

    /// <summary>Makes a router over given gate weights, which it shares and does not own.</summary>
    /// <param name="gate">The gate; keep it until the router is no longer used.</param>
    /// <param name="options">Options; later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    public AdaptiveRouter(GateWeights gate, AdaptiveRouterOptions options)
        : base(gate, options?.Checked()!)
    {
        _rate = options!.AdaptationRate;
        _smoothing = options.PerformanceSmoothing;
    }

    /// <summary>Experts by which the thresholds ask for more (or, negative, fewer), within +-(MaxExperts - MinExperts).</summary>
    public double Offset => Volatile.Read(ref _offset);

    private protected override float CountOffset => (float)Offset;

    /// <summary>Thresholds on the score that follow from the offset, ascending; a token gets one expert more for each that its score exceeds.</summary>
    /// <returns><c>[MaxExperts - MinExperts]</c>; values outside [0, 1] are never or always exceeded.</returns>
    public double[] GetThresholds()
    {
        double offset = Offset;
        int range = MaxExperts - MinExperts;
        var thresholds = new double[range];
        for (int j = 0; j < range; j++)
        {
            thresholds[j] = (j + 0.5 - offset) / range;
        }

        return thresholds;
    }

    /// <summary>Copies what UpdateThresholds learnt.</summary>
    /// <returns>A snapshot that <see cref="Restore"/> takes.</returns>
    public AdaptiveRouterSnapshot Snapshot()
    {
        lock (_gate)
        {
            return new AdaptiveRouterSnapshot(_offset, double.IsNaN(_mean) ? null : _mean);
        }
    }

    /// <summary>Takes over what UpdateThresholds learnt; with a mean budget the offset is proposed to the arbiter.</summary>
    /// <param name="snapshot">From <see cref="Snapshot"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="snapshot"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">A value is outside its range; nothing was changed.</exception>
    public void Restore(AdaptiveRouterSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        double range = MaxExperts - MinExperts;
        new OptionRules(nameof(AdaptiveRouterSnapshot))
            .Range(nameof(snapshot.Offset), snapshot.Offset, -range, range)
            .Require(snapshot.MeanPerformance is null || double.IsFinite(snapshot.MeanPerformance.Value), $"MeanPerformance ({snapshot.MeanPerformance}) must be finite.")
            .ThrowIfBroken();
        lock (_gate)
        {
            _mean = snapshot.MeanPerformance ?? double.NaN;
            Volatile.Write(ref _offset, snapshot.Offset);
            Arbiter?.ProposeAdaptation(snapshot.Offset);
        }
    }

    /// <summary>Moves the thresholds: offset += AdaptationRate * (running mean of scores - score), clamped. Performance below its running mean asks
    /// for more experts, above it for fewer. With a mean budget the offset is proposed to the arbiter instead; while that or the router is frozen nothing changes.</summary>
    /// <param name="performanceScore">Performance, higher is better; any finite scale.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="performanceScore"/> is not finite; nothing was changed.</exception>
    public void UpdateThresholds(double performanceScore)
    {
        if (!double.IsFinite(performanceScore))
        {
            throw new ArgumentOutOfRangeException(nameof(performanceScore), performanceScore, "Must be finite.");
        }

        if (Frozen || Arbiter is { Frozen: true })
        {
            return;
        }

        lock (_gate)
        {
            double mean = double.IsNaN(_mean) ? performanceScore : _mean;
            double range = MaxExperts - MinExperts;
            double offset = Math.Clamp(_offset + _rate * (mean - performanceScore), -range, range);
            _mean = mean + _smoothing * (performanceScore - mean);
            Volatile.Write(ref _offset, offset);
            Arbiter?.ProposeAdaptation(offset);
        }
    }
}
