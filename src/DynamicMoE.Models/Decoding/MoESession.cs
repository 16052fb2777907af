namespace DynamicMoE.Models;

/// <summary>One sequence of a model: its keys and values, and what its routers did. One thread at a time may use it.</summary>
/// <remarks>Under static routing, and under dynamic routing while all routers are frozen and without a cap on distinct experts, the logits of a position are
/// bit-identical whether positions come one by one or together, alone or in a batch with other sequences, and for any number of threads. A threshold
/// that follows a budget moves between passes, so there they depend on the passes before.</remarks>
public sealed partial class MoESession
{
    private readonly MoEModel _model;
    private readonly KeyValueCache[] _caches;
    private readonly int[] _history;
    private int _busy;

    internal MoESession(MoEModel model, int maxPositions)
    {
        _history = new int[maxPositions];
        _experts = new float[maxPositions];
        _tally = new RoutingTally(model.MoELayers);
        _model = model;
        MaxPositions = maxPositions;
        ModelConfig config = model.Config;
        _caches = [.. Enumerable.Range(0, config.LayerCount).Select(_ => new KeyValueCache(maxPositions, config.Attention!.KeyValueWidth))];
    }

    /// <summary>Longest sequence.</summary>
    public int MaxPositions { get; }

    /// <summary>Positions so far.</summary>
    public int Position { get; private set; }

    /// <summary>Tokens so far, and behind them those that a pass is about to append.</summary>
    internal ReadOnlySpan<int> History => _history;

    /// <summary>Appends tokens and computes the logits behind each. Allocates nothing once the model has run as many tokens at once.</summary>
    /// <param name="tokens">Ids, 0..VocabularySize-1; at least 1, and no more than fit.</param>
    /// <param name="logits">[out] <c>[tokens, VocabularySize]</c>, row-major.</param>
    /// <returns>Figures of the pass.</returns>
    /// <exception cref="RoutingValidationException">A length does not fit, an id is outside its range, the sequence is full, or another pass uses it. Nothing was changed.</exception>
    /// <exception cref="ExpertDispatchException">Finite input overflowed; names layer and position. The sequence is as before, the logits are undefined.</exception>
    /// <exception cref="DynamicMoEMemoryException">Working memory for the rows cannot be had. The sequence is as before.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public ForwardReport Forward(ReadOnlySpan<int> tokens, Span<float> logits) => Run(tokens, logits, everyPosition: true);

    /// <summary>Appends tokens and computes the logits behind the last. Allocates nothing once the model has run as many tokens at once.</summary>
    /// <param name="tokens">Ids, 0..VocabularySize-1; at least 1, and no more than fit.</param>
    /// <param name="logits">[out] <c>[VocabularySize]</c>.</param>
    /// <returns>Figures of the pass.</returns>
    /// <exception cref="RoutingValidationException">A length does not fit, an id is outside its range, the sequence is full, or another pass uses it. Nothing was changed.</exception>
    /// <exception cref="ExpertDispatchException">Finite input overflowed; names layer and position. The sequence is as before, the logits are undefined.</exception>
    /// <exception cref="DynamicMoEMemoryException">Working memory for the rows cannot be had. The sequence is as before.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public ForwardReport ForwardLast(ReadOnlySpan<int> tokens, Span<float> logits) => Run(tokens, logits, everyPosition: false);

    /// <summary>Forgets the sequence and the figures. The dial and what is recorded or replayed stay.</summary>
    public void Reset()
    {
        Position = 0;
        Total = default;
        BeginRouting(0);
    }

    /// <summary>Forgets the positions from one on. Figures stay as they are.</summary>
    /// <param name="position">The new length, 0..<see cref="Position"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="position"/> is outside its range.</exception>
    public void Truncate(int position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Position);
        Position = position;
    }

    /// <summary>Keys and values of a layer.</summary>
    internal KeyValueCache Cache(int layer) => _caches[layer];

    /// <summary>Whether the session belongs to a model.</summary>
    internal bool IsOf(MoEModel model) => ReferenceEquals(_model, model);

    /// <summary>Takes the session for a pass.</summary>
    /// <returns>False when a pass has it already.</returns>
    internal bool TryEnter() => Interlocked.CompareExchange(ref _busy, 1, 0) == 0;

    /// <summary>Gives the session back.</summary>
    internal void Exit() => Volatile.Write(ref _busy, 0);

    /// <summary>Puts down the tokens that a pass is about to append.</summary>
    internal void Await(ReadOnlySpan<int> tokens) => tokens.CopyTo(_history.AsSpan(Position));

    /// <summary>The tokens of a pass are part of the sequence now.</summary>
    internal void Advance(int tokens) => Position += tokens;

    /// <summary>Says what is wrong with tokens, or null. Allocates only when something is.</summary>
    internal string? Problem(ReadOnlySpan<int> tokens, int? step)
    {
        if (tokens.IsEmpty || tokens.Length > MaxPositions - Position)
        {
            return $"{Name(step)} has {tokens.Length} ids, between 1 and {MaxPositions - Position} are possible: position {Position} of {MaxPositions}.";
        }

        int wrong = tokens.IndexOfAnyExceptInRange(0, _model.Config.VocabularySize - 1);
        return wrong < 0 ? null : $"{Name(step)}[{wrong}] is {tokens[wrong]}, between 0 and {_model.Config.VocabularySize - 1} is needed.";

        static string Name(int? step) => step is { } number ? $"steps[{number}].Tokens" : "tokens";
    }

    private ForwardReport Run(ReadOnlySpan<int> tokens, Span<float> logits, bool everyPosition)
    {
        ModelWeights weights = _model.Weights;
        if (!TryEnter())
        {
            throw new RoutingValidationException("The session is in another pass; one thread at a time may use it.");
        }

        try
        {
            if (Problem(tokens, null) is { } problem)
            {
                throw new RoutingValidationException(problem);
            }

            long needed = (everyPosition ? (long)tokens.Length : 1) * _model.Config.VocabularySize;
            if (logits.Length != needed)
            {
                throw new RoutingValidationException($"logits has {logits.Length} elements, {needed} are needed.");
            }

            ForwardPass pass = _model.Passes.Rent();
            try
            {
                pass.Add(this, tokens);
                return pass.RunAlone(weights, logits, everyPosition);
            }
            finally
            {
                _model.Passes.Return(pass);
            }
        }
        finally
        {
            Exit();
        }
    }
}
