namespace DynamicMoE;

/// <summary>
/// What is known of a batch's rows before it is routed: their logits, and the estimator's raw values where these depend on the row alone. Travels
/// through wrappers inside a context of the library's own, which holds what the caller's does and stands in for it. Belongs to one call at a time.
/// </summary>
internal sealed class KnownRows
{
    private readonly RoutingContext _carrier = new();
    private float[] _logits = [];
    private float[] _raw = [];
    private GateWeights? _gate;
    private int _tokens;
    private bool _copied;

    /// <summary>Whether <see cref="Raw"/> holds the estimator's values.</summary>
    internal bool HasRaw { get; private set; }

    /// <summary>The context that the caller gave, or null.</summary>
    internal RoutingContext? Given { get; private set; }

    /// <summary>Logits without noise, <c>[tokens, experts]</c>.</summary>
    internal Span<float> Logits => _logits.AsSpan(0, _tokens * _gate!.NumExperts);

    /// <summary>Raw values of the estimator, <c>[tokens]</c>.</summary>
    internal Span<float> Raw => _raw.AsSpan(0, _tokens);

    /// <summary>Logits of one row.</summary>
    internal Span<float> LogitsOf(int row) => _logits.AsSpan(row * _gate!.NumExperts, _gate.NumExperts);

    /// <summary>Makes room for a batch.</summary>
    /// <param name="gate">Whose logits.</param>
    /// <param name="tokens">Rows.</param>
    internal void Begin(GateWeights gate, int tokens)
    {
        _gate = gate;
        _tokens = tokens;
        int logits = checked(tokens * gate.NumExperts);
        _logits = _logits.Length < logits ? new float[logits] : _logits;
        _raw = _raw.Length < tokens ? new float[tokens] : _raw;
    }

    /// <summary>The context to hand inward in place of the caller's.</summary>
    /// <param name="given">The caller's, or null.</param>
    /// <param name="hasRaw">Whether the raw values stand in for the estimator.</param>
    /// <param name="direct">Whether the router that takes it comes next: nobody else reads what the caller's says.</param>
    internal RoutingContext Carry(RoutingContext? given, bool hasRaw, bool direct)
    {
        Given = given;
        HasRaw = hasRaw;
        if (!direct && given is not null)
        {
            _copied = true;
            _carrier.CopyFrom(given);
        }

        _carrier.Known = this;
        return _carrier;
    }

    /// <summary>Ends the call: nothing of the caller's is held any longer.</summary>
    internal void End()
    {
        Given = null;
        _carrier.Known = null;
        if (_copied)
        {
            _copied = false;
            _carrier.CopyFrom(null);
        }
    }

    /// <summary>Takes what a context carries and puts the caller's in its place.</summary>
    /// <returns>What is known of this batch under this gate; null when nothing is.</returns>
    internal static KnownRows? Take(ref RoutingContext? context, GateWeights gate, int tokens)
    {
        if (context?.Known is not { } known)
        {
            return null;
        }

        context = known.Given;
        return ReferenceEquals(known._gate, gate) && known._tokens == tokens ? known : null;
    }
}
