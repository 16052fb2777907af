namespace DynamicMoE;

/// <summary>Collects what a router's layer sees and makes a calibration of it. The router learns nothing. One thread at a time may use it.</summary>
/// <remarks>Keeps one float per token for each choice after the first and for each estimator.</remarks>
public sealed class LayerCalibrator
{
    /// <summary>Fewest tokens, and fewest different gaps of the second choice and values of an estimator, that a calibration is made of.</summary>
    public const int MinTokens = 256, MinDistinctGaps = 16, MinDistinctScores = 2;

    private readonly DynamicRouter _router;
    private readonly int _layer;
    private readonly List<float>[] _gaps;
    private readonly List<Source> _sources = [];
    private readonly RouteScratch _scratch = new();
    private long _tokens;

    /// <summary>Makes a calibrator.</summary>
    /// <param name="router">Router whose gate, selection bias and MaxExperts count.</param>
    /// <param name="layer">Index of the decoder layer; 0 for a router outside a model.</param>
    /// <param name="estimators">Estimators whose raw values are collected; null for every built-in one and the router's own.</param>
    /// <exception cref="ArgumentNullException"><paramref name="router"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">A name is that of no estimator, or an estimator is there twice.</exception>
    public LayerCalibrator(DynamicRouter router, int layer = 0, IReadOnlyList<EstimatorChoice>? estimators = null)
    {
        ArgumentNullException.ThrowIfNull(router);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        _router = router;
        _layer = layer;
        _gaps = [.. Enumerable.Range(1, router.MaxExperts - 1).Select(_ => new List<float>())];
        foreach (EstimatorChoice choice in estimators ?? Default(router))
        {
            Add(choice);
        }
    }

    /// <summary>Takes a batch.</summary>
    /// <param name="hidden">Hidden states as the router sees them, <c>[tokens, InputDim]</c>, row-major, finite.</param>
    /// <param name="tokens">Rows, at least 1.</param>
    /// <param name="context">What the host model knows beside them, or null; its mask and the estimators' inputs count.</param>
    /// <exception cref="RoutingValidationException">A shape does not fit, or a value is not finite.</exception>
    /// <exception cref="ComplexityEstimationException">An estimator failed.</exception>
    /// <exception cref="LoadBalancingException">The mask leaves fewer usable experts than MinExperts.</exception>
    /// <exception cref="ObjectDisposedException">The router or its gate is disposed.</exception>
    public void Observe(ReadOnlySpan<float> hidden, int tokens, RoutingContext? context = null)
    {
        Shapes.RequireRows(hidden.Length, tokens, _router.InputDim, nameof(hidden));
        RoutingBuffers buffers = _scratch.Routing(_router, tokens, withLogits: false);
        _router.Probe(hidden, tokens, context, ScoreSource.RouterMargin, buffers);
        AddGaps(buffers, tokens);
        foreach (Source source in _sources)
        {
            if (source.Fused is { } fused)
            {
                _router.Probe(hidden, tokens, context, fused, buffers);
                source.Values(false).AddRange(buffers.ComplexityScores.AsSpan(0, tokens));
                continue;
            }

            var input = new EstimationInput(hidden, tokens, _router.InputDim, context, _router.Gate, _scratch);
            Span<float> raw = _scratch.Raw(tokens);
            source.Estimator!.Score(input, raw, _scratch.Scores(tokens));
            source.Values(source.Estimator.Source(context) == 1).AddRange(raw);
        }

        _tokens += tokens;
    }

    /// <summary>Makes the calibration.</summary>
    /// <returns>Quantiles of everything that was observed.</returns>
    /// <exception cref="ConvergenceException">There are too few tokens, or too few different values to tell tokens apart; names layer, count and limit.</exception>
    public LayerCalibration Finish()
    {
        if (_tokens < MinTokens)
        {
            throw new ConvergenceException($"Layer {_layer}: the calibration saw {_tokens} tokens, at least {MinTokens} are needed.");
        }

        float[][] gaps = [.. _gaps.Select(list => Quantiles.Of(Sorted(list), Quantiles.GapValues))];
        if (_gaps.Length > 0)
        {
            Require(Sorted(_gaps[0]), "the gaps of the second choice", MinDistinctGaps);
        }

        var scores = new List<ScoreQuantiles>();
        foreach (Source source in _sources)
        {
            foreach ((bool fallback, List<float> values) in source.Lists.Where(pair => pair.Values.Count > 0))
            {
                float[] sorted = Sorted(values);
                Require(sorted, $"the values of {source.Name}", MinDistinctScores);
                scores.Add(new ScoreQuantiles(source.Name, fallback, Quantiles.Of(sorted, Quantiles.ScoreValues)));
            }
        }

        return new LayerCalibration(_layer, _router.Gate.Hash, _tokens, gaps, scores);
    }

    private static IEnumerable<EstimatorChoice> Default(DynamicRouter router) => ComplexityEstimators.All
        .Where(name => name != router.Estimator?.Name)
        .Select(name => new EstimatorChoice(name))
        .Concat(router.Estimator is { } own ? [new EstimatorChoice(own)] : []);

    private static float[] Sorted(List<float> values)
    {
        float[] sorted = [.. values];
        Array.Sort(sorted);
        return sorted;
    }

    private void Require(ReadOnlySpan<float> sorted, string what, int least)
    {
        int distinct = Quantiles.Distinct(sorted);
        if (distinct < least)
        {
            throw new ConvergenceException(
                $"Layer {_layer}: {what} take {distinct} different values over {sorted.Length} tokens ({sorted[0]}..{sorted[^1]}), at least {least} are needed to tell tokens apart.");
        }
    }

    private void Add(EstimatorChoice choice)
    {
        ScoreSource? fused = choice.Instance is null ? BuiltInEstimators.Fused(choice.Name) : null;
        ComplexityEstimator? estimator = fused is not null ? null : choice.Instance ?? BuiltInEstimators.Create(choice.Name, new EstimatorOptions());
        if ((fused is null && estimator is null) || _sources.Exists(source => source.Name == choice.Name))
        {
            throw new RouterConfigurationException(
                $"Estimator '{choice.Name}' is {(estimator is null && fused is null ? $"not one of {string.Join(", ", ComplexityEstimators.All)}" : "there twice")}.");
        }

        // What is not normalised is a score already.
        if (estimator is null or { Normalize: true })
        {
            _sources.Add(new Source(choice.Name, fused, estimator));
        }
    }

    private void AddGaps(RoutingBuffers buffers, int tokens)
    {
        for (int token = 0; token < tokens; token++)
        {
            float stop = 0;
            for (int slot = 1; slot <= _gaps.Length; slot++)
            {
                // A selection bias orders by something else than the gap: an expert is reached only past all before it.
                stop = Math.Max(stop, buffers.Gaps[(token * buffers.Slots) + slot]);
                _gaps[slot - 1].Add(Math.Min(stop, float.MaxValue));
            }
        }
    }

    private sealed class Source(string name, ScoreSource? fused, ComplexityEstimator? estimator)
    {
        private readonly List<float> _own = [], _fallback = [];

        public string Name => name;

        public ScoreSource? Fused => fused;

        public ComplexityEstimator? Estimator => estimator;

        public IEnumerable<(bool Fallback, List<float> Values)> Lists => [(false, _own), (true, _fallback)];

        public List<float> Values(bool fallback) => fallback ? _fallback : _own;
    }
}
