using System.Numerics.Tensors;
using DynamicMoE.Compute;

namespace DynamicMoE.Models;

/// <summary>One sequence of a model: its keys and values, and what its routers did. One thread at a time may use it.</summary>
/// <remarks>Under static routing the logits of a position are bit-identical whether positions come one by one or together, and for any
/// number of threads. A threshold that follows a budget moves between passes, so there they depend on the passes before.</remarks>
public sealed partial class MoESession
{
    private readonly MoEModel _model;
    private readonly KeyValueCache[] _caches;
    private readonly Workspace _work;
    private readonly RoutingRecorder _recorder;
    private readonly OverflowGuard _guard;
    private readonly float[] _quality = [float.NaN];
    private readonly RoutingContext _context;
    private readonly int[] _history;

    internal MoESession(MoEModel model, int maxPositions)
    {
        _history = new int[maxPositions];
        _model = model;
        MaxPositions = maxPositions;
        ModelConfig config = model.Config;
        int chunk = Math.Min(model.Options.MaxTokens, maxPositions);
        _caches = [.. Enumerable.Range(0, config.LayerCount).Select(_ => new KeyValueCache(maxPositions, config.Attention!.KeyValueWidth))];
        _work = new Workspace(config, chunk);
        _guard = new OverflowGuard(config.HiddenSize);
        _context = new RoutingContext { Quality = _quality };
        _recorder = new RoutingRecorder(model.MoELayers, model.Options.TimeProvider, chunk);
    }

    /// <summary>Longest sequence.</summary>
    public int MaxPositions { get; }

    /// <summary>Positions so far.</summary>
    public int Position { get; private set; }

    /// <summary>Figures of all passes since the session began or was reset.</summary>
    public ForwardReport Total { get; private set; }

    /// <summary>What each layer with experts did in the last pass, in layer order.</summary>
    public ReadOnlySpan<LayerRouting> LastRouting => _recorder.Layers;

    /// <summary>Asked before each layer with experts, in place of the session's own context; null = nobody.</summary>
    internal IRoutingAdvisor? Advisor { get; set; }

    /// <summary>Appends tokens and computes the logits behind each. Allocates nothing after the first pass.</summary>
    /// <param name="tokens">Ids, 0..VocabularySize-1; at least 1, and no more than fit.</param>
    /// <param name="logits">[out] <c>[tokens, VocabularySize]</c>, row-major.</param>
    /// <returns>Figures of the pass.</returns>
    /// <exception cref="RoutingValidationException">A length does not fit, an id is outside its range, or the sequence is full. Nothing was changed.</exception>
    /// <exception cref="ExpertDispatchException">Finite input overflowed; names layer and position. The sequence is as before, the logits are undefined.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public ForwardReport Forward(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        ModelWeights weights = Check(tokens, logits.Length, (long)tokens.Length * _model.Config.VocabularySize);
        return Run(weights, tokens, logits, everyPosition: true);
    }

    /// <summary>Appends tokens and computes the logits behind the last. Allocates nothing after the first pass.</summary>
    /// <param name="tokens">Ids, 0..VocabularySize-1; at least 1, and no more than fit.</param>
    /// <param name="logits">[out] <c>[VocabularySize]</c>.</param>
    /// <returns>Figures of the pass.</returns>
    /// <exception cref="RoutingValidationException">A length does not fit, an id is outside its range, or the sequence is full. Nothing was changed.</exception>
    /// <exception cref="ExpertDispatchException">Finite input overflowed; names layer and position. The sequence is as before, the logits are undefined.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public ForwardReport ForwardLast(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        ModelWeights weights = Check(tokens, logits.Length, _model.Config.VocabularySize);
        return Run(weights, tokens, logits, everyPosition: false);
    }

    /// <summary>Quality dial of this sequence: q asks for a mean of MinExperts + q * (trained - MinExperts) experts per token in layers with a budget. Its
    /// tokens are then left out of the mean that the model holds.</summary>
    /// <value>Between 0 and 1. The default, null, is the model's own budget. Layers without a budget ignore it.</value>
    /// <exception cref="RouterConfigurationException">The value is outside its range.</exception>
    public float? Quality
    {
        get => float.IsNaN(_quality[0]) ? null : _quality[0];
        set => _quality[0] = value is null or (>= 0 and <= 1)
            ? value ?? float.NaN
            : throw new RouterConfigurationException($"Quality ({value}) is outside 0..1.");
    }

    /// <summary>Forgets the sequence and the figures.</summary>
    public void Reset()
    {
        Position = 0;
        Total = default;
    }

    private ForwardReport Run(ModelWeights weights, ReadOnlySpan<int> tokens, Span<float> logits, bool everyPosition)
    {
        int vocabulary = _model.Config.VocabularySize;

        // A pass that routes by something else, or at a quality of its own, says nothing about the budget.
        LatencyController? latency = _recorder.Source is not null ? null : _model.Latency;
        LogitShadow? shadow = _recorder.Source is not null || Quality is not null ? null : _model.LogitShadow;
        long generation = shadow?.Generation ?? 0;
        tokens.CopyTo(_history.AsSpan(Position));
        long start = latency?.Start() ?? 0;
        _recorder.Begin();
        int done = 0;
        while (done < tokens.Length)
        {
            int count = Math.Min(_work.Tokens, tokens.Length - done);
            _recorder.BeginChunk(tokens.Slice(done, count), Position + done);
            Span<float> hidden = RunLayers(weights, tokens.Slice(done, count), Position + done);
            if (everyPosition)
            {
                Head(weights, hidden, Position + done, logits.Slice(done * vocabulary, count * vocabulary));
            }
            else if (done + count == tokens.Length)
            {
                Head(weights, hidden[^_model.Config.HiddenSize..], Position + tokens.Length - 1, logits);
            }

            done += count;
        }

        latency?.Stop(start);
        int first = everyPosition ? Position : Position + tokens.Length - 1;
        Position += tokens.Length;
        shadow?.Observe(_history.AsSpan(0, Position), first, logits, generation);
        ForwardReport report = _recorder.End(tokens.Length);
        Total = Total.Add(in report);
        return report;
    }

    private Span<float> RunLayers(ModelWeights weights, ReadOnlySpan<int> tokens, int position)
    {
        ModelConfig config = _model.Config;
        int width = config.HiddenSize, count = tokens.Length, threads = _model.Options.Threads;
        Span<float> hidden = _work.Hidden.AsSpan(0, count * width);
        Span<float> normed = _work.Normed.AsSpan(0, hidden.Length);
        Span<float> delta = _work.Delta.AsSpan(0, hidden.Length);
        for (int t = 0; t < count; t++)
        {
            weights.Embedding.CopyRow(tokens[t], hidden.Slice(t * width, width));
        }

        _work.Rotary.Prepare(position, count);
        int block = 0;
        for (int i = 0; i < weights.Layers.Length; i++)
        {
            DecoderLayer layer = weights.Layers[i];
            Normalization.Rms(hidden, count, layer.AttentionNorm, config.NormEpsilon, normed);
            layer.Attention.Forward(normed, count, position, _caches[i], _work.Rotary, _work, delta);
            TensorPrimitives.Add(hidden, delta, hidden);
            _guard.Residual(hidden, i, "attention", position);
            Normalization.Rms(hidden, count, layer.MlpNorm, config.NormEpsilon, normed);
            _guard.MlpInput(normed, i, position);
            if (layer.Dense is { } dense)
            {
                dense.Forward(normed, count, _work.DenseGate, _work.DenseUp, delta, threads);
            }
            else
            {
                RoutingContext? context = Context(layer.Experts!, block, _caches[i], position, count);
                _recorder.Run(block++, normed, count, delta, context);
            }

            TensorPrimitives.Add(hidden, delta, hidden);
            _guard.Residual(hidden, i, "MLP", position);
        }

        return hidden;
    }

    private RoutingContext? Context(MoEBlock block, int index, KeyValueCache cache, int position, int count)
    {
        if (Advisor is null)
        {
            return Quality is null || block.Router.Controller is null ? null : _context;
        }

        ModelConfig config = _model.Config;
        return Advisor.Advise(new RoutedInput
        {
            Index = index,
            Block = block,
            Tokens = count,
            Position = position,
            Residual = _work.Hidden.AsSpan(0, count * config.HiddenSize),
            Normed = _work.Normed.AsSpan(0, count * config.HiddenSize),
            Query = _work.Query.AsSpan(0, count * config.Attention!.QueryWidth),
            Keys = cache.Keys.AsSpan(0, (position + count) * config.Attention.KeyValueWidth),
        });
    }

    private void Head(ModelWeights weights, ReadOnlySpan<float> hidden, int position, Span<float> logits)
    {
        int count = hidden.Length / _model.Config.HiddenSize;
        Span<float> normed = _work.Normed.AsSpan(0, hidden.Length);
        Normalization.Rms(hidden, count, weights.FinalNorm, _model.Config.NormEpsilon, normed);
        weights.Head.Multiply(normed, count, logits, _model.Options.Threads);
        OverflowGuard.Logits(logits, _model.Config.VocabularySize, position);
    }

    private ModelWeights Check(ReadOnlySpan<int> tokens, int logits, long needed)
    {
        ModelWeights weights = _model.Weights;
        if (tokens.IsEmpty || tokens.Length > MaxPositions - Position)
        {
            throw new RoutingValidationException(
                $"tokens has {tokens.Length} ids, between 1 and {MaxPositions - Position} are possible: position {Position} of {MaxPositions}.");
        }

        if (logits != needed)
        {
            throw new RoutingValidationException($"logits has {logits} elements, {needed} are needed.");
        }

        int wrong = tokens.IndexOfAnyExceptInRange(0, _model.Config.VocabularySize - 1);
        return wrong < 0
            ? weights
            : throw new RoutingValidationException($"tokens[{wrong}] is {tokens[wrong]}, between 0 and {_model.Config.VocabularySize - 1} is needed.");
    }
}
