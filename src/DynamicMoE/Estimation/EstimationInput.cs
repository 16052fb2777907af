namespace DynamicMoE;

/// <summary>What an estimator sees of a batch.</summary>
public readonly ref struct EstimationInput
{
    private readonly GateWeights? _gate;
    private readonly RouteScratch? _scratch;

    /// <summary>Describes a batch outside a router, for instance in a test of an estimator.</summary>
    /// <param name="hidden">Hidden states, <c>[tokens, inputDim]</c>, row-major.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="inputDim">Columns.</param>
    /// <param name="context">What the host model knows beside the hidden states, or null.</param>
    /// <exception cref="RoutingValidationException">The length is not tokens * inputDim, or a size is below 1.</exception>
    public EstimationInput(ReadOnlySpan<float> hidden, int tokens, int inputDim, RoutingContext? context = null)
        : this(hidden, tokens, inputDim, context, null, null)
    {
        Shapes.RequireRows(hidden.Length, tokens, inputDim, "hidden");
    }

    internal EstimationInput(
        ReadOnlySpan<float> hidden, int tokens, int inputDim, RoutingContext? context, GateWeights? gate, RouteScratch? scratch)
    {
        Hidden = hidden;
        Tokens = tokens;
        InputDim = inputDim;
        Context = context;
        _gate = gate;
        _scratch = scratch;
    }

    /// <summary>Hidden states, <c>[Tokens, InputDim]</c>, row-major. Finite values are not promised here: routing checks them.</summary>
    public ReadOnlySpan<float> Hidden { get; }

    /// <summary>Rows.</summary>
    public int Tokens { get; }

    /// <summary>Columns.</summary>
    public int InputDim { get; }

    /// <summary>What the host model knows beside the hidden states, or null.</summary>
    public RoutingContext? Context { get; }

    /// <summary>Computes the router's logits for the batch: one pass over the gate weights.</summary>
    /// <returns><c>[Tokens, NumExperts]</c>, valid until the routing call ends; empty outside a router.</returns>
    /// <exception cref="RoutingValidationException">A hidden state is not finite.</exception>
    public ReadOnlySpan<float> RouterLogits()
    {
        if (_gate is null || _scratch is null)
        {
            return default;
        }

        if (_scratch.Known is { } known)
        {
            return known.Logits;
        }

        Span<float> logits = _scratch.Logits(Tokens * _gate.NumExperts);
        _gate.Logits(Hidden, Tokens, logits);
        return logits;
    }

    /// <exception cref="RoutingValidationException">A value is NaN or infinite; the message names what holds it and the lowest token.</exception>
    internal void RequireFinite()
    {
        Shapes.RequireFinite(Hidden, InputDim, "hidden");
        if (Context is { } context)
        {
            RequireFinite(context.Gradients.Span, nameof(context.Gradients));
            RequireFinite(context.AttentionWeights.Span, nameof(context.AttentionWeights));
            RequireFinite(context.LmHeadLogits.Span, nameof(context.LmHeadLogits));
        }
    }

    private void RequireFinite(ReadOnlySpan<float> values, string name)
    {
        if (values.Length % Tokens == 0)
        {
            Shapes.RequireFinite(values, values.Length / Tokens, name);
        }
    }
}
