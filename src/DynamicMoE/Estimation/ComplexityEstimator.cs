namespace DynamicMoE;

/// <summary>
/// Estimates how complex each token is. A subclass writes raw values; when <see cref="Normalize"/> is on they are mapped to [0, 1]
/// through a running quantile table, which a batch enters only after it was routed: no batch is normalised by its own statistics.
/// </summary>
/// <remarks><see cref="Estimate"/> may be called by many threads at once.</remarks>
public abstract class ComplexityEstimator
{
    private readonly QuantileTable[] _tables;
    private volatile bool _frozen;

    /// <summary>Makes an estimator.</summary>
    /// <param name="normalize">Whether raw values are mapped to [0, 1] through the running quantile table. Without it they must lie in [0, 1].</param>
    /// <param name="epsilon">Guards divisions and logarithms against zero; finite and above 0.</param>
    /// <exception cref="RouterConfigurationException"><paramref name="epsilon"/> is outside its range.</exception>
    protected ComplexityEstimator(bool normalize = true, float epsilon = 1e-8f)
        : this(new EstimatorOptions { Normalize = normalize, Epsilon = epsilon })
    {
    }

    /// <summary>Makes an estimator.</summary>
    /// <param name="options">Options; later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    protected ComplexityEstimator(EstimatorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Normalize = options.Normalize;
        Epsilon = options.Epsilon;
        _tables = [new QuantileTable(options.SmoothingFactor), new QuantileTable(options.SmoothingFactor)];
    }

    /// <summary>Name for reports and errors.</summary>
    public abstract string Name { get; }

    /// <summary>Whether raw values are mapped to [0, 1] through the running quantile table.</summary>
    public bool Normalize { get; }

    /// <summary>Guards divisions and logarithms against zero.</summary>
    public float Epsilon { get; }

    /// <summary>Whether the running quantile table stands still.</summary>
    /// <value>The default is false.</value>
    public bool Frozen
    {
        get => _frozen;
        set => _frozen = value;
    }

    /// <summary>Writes one raw value per token.</summary>
    /// <param name="input">The batch.</param>
    /// <param name="raw">[out] <c>[input.Tokens]</c>; finite, and in [0, 1] when <see cref="Normalize"/> is off.</param>
    public abstract void Estimate(in EstimationInput input, Span<float> raw);

    /// <summary>Table that the raw values of a call belong to: 0 when the host supplied the estimator's input, 1 for the fallback.
    /// The two have different distributions.</summary>
    internal virtual int Source(RoutingContext? context) => 0;

    /// <summary>Whether each raw value follows from its own row and the gate alone, so that it may be kept for the next time the row comes.</summary>
    internal virtual bool IsOfRowAlone(RoutingContext? context) => false;

    /// <summary>Makes a score of a value's share of the running distribution.</summary>
    internal virtual float FromShare(float share) => share;

    /// <summary>Runs <see cref="Estimate"/> and makes scores in [0, 1] of it. Changes no state.</summary>
    /// <exception cref="ComplexityEstimationException">The estimator threw, or a value is outside its range.</exception>
    /// <exception cref="RoutingValidationException">The hidden states or the context are to blame.</exception>
    internal void Score(in EstimationInput input, Span<float> raw, Span<float> scores)
    {
        Raw(in input, raw);
        ScoreRaw(input.Context, raw, scores);
    }

    /// <summary>Runs <see cref="Estimate"/> and checks what it wrote. Changes no state.</summary>
    /// <exception cref="ComplexityEstimationException">The estimator threw, or a value is outside its range.</exception>
    /// <exception cref="RoutingValidationException">The hidden states or the context are to blame.</exception>
    internal void Raw(in EstimationInput input, Span<float> raw)
    {
        try
        {
            Estimate(input, raw);
        }
        catch (RoutingValidationException)
        {
            // A value that is not finite is told by its token; anything else that is wrong stays as it was told.
            input.RequireFinite();
            throw;
        }
        catch (Exception error) when (error is not ComplexityEstimationException)
        {
            throw new ComplexityEstimationException(Name, error.Message, error);
        }

        Check(input, raw);
    }

    /// <summary>Makes scores in [0, 1] of raw values that were checked before. Changes no state.</summary>
    internal void ScoreRaw(RoutingContext? context, ReadOnlySpan<float> raw, Span<float> scores)
    {
        if (!Normalize)
        {
            raw.CopyTo(scores);
            return;
        }

        if (!_tables[Source(context)].TryMap(raw, scores))
        {
            scores.Fill(0.5f);
            return;
        }

        foreach (ref float score in scores)
        {
            score = FromShare(score);
        }
    }

    /// <summary>Lets the running table see the raw values of a routed batch.</summary>
    /// <param name="raw">Values that <see cref="Score"/> produced; sorted in place.</param>
    /// <param name="context">The context that they came with.</param>
    internal void Observe(Span<float> raw, RoutingContext? context)
    {
        if (Normalize && !_frozen)
        {
            _tables[Source(context)].Observe(raw);
        }
    }

    /// <summary>Copies the running tables.</summary>
    internal ScoreTableSnapshot[] CopyTables() => [.. _tables.Select(table => table.Copy())];

    /// <summary>Whether tables can be restored.</summary>
    internal static bool FitTables(IReadOnlyList<ScoreTableSnapshot>? tables) => tables?.Count == 2 && tables.All(QuantileTable.Fits);

    /// <summary>Takes over tables that fit.</summary>
    internal void RestoreTables(IReadOnlyList<ScoreTableSnapshot> tables)
    {
        for (int i = 0; i < _tables.Length; i++)
        {
            _tables[i].Restore(tables[i]);
        }
    }

    private void Check(in EstimationInput input, ReadOnlySpan<float> raw)
    {
        for (int token = 0; token < raw.Length; token++)
        {
            float value = raw[token];
            if (!float.IsFinite(value))
            {
                Shapes.RequireFinite(input.Hidden, input.InputDim, "hidden");
                throw new ComplexityEstimationException(Name, $"the value of token {token} is {value}, not a finite number.", null);
            }

            if (!Normalize && value is < 0 or > 1)
            {
                throw new ComplexityEstimationException(Name, $"the score of token {token} is {value}, outside 0..1.", null);
            }
        }
    }
}
