using System.Numerics.Tensors;
using DynamicMoE.Compute;

namespace DynamicMoE.Models;

/// <summary>One forward pass over the rows of one or many sequences: all of them together, but for attention. Reused from pass to pass.</summary>
internal sealed class ForwardPass
{
    private readonly MoEModel _model;
    private readonly ModelConfig _config;
    private readonly PassRows _rows = new();
    private readonly Workspace _work;
    private readonly PassRouting _routing;
    private readonly OverflowGuard _guard;

    public ForwardPass(MoEModel model)
    {
        _model = model;
        _config = model.Config;
        _work = new Workspace(_config);
        _routing = new PassRouting(model, _rows);
        _guard = new OverflowGuard(_config.HiddenSize, _rows);
    }

    /// <summary>Adds tokens of a sequence that nothing else uses meanwhile; checked before.</summary>
    public void Add(MoESession session, ReadOnlySpan<int> tokens)
    {
        session.Await(tokens);
        _rows.Add(session, tokens.Length);
    }

    /// <summary>Runs one sequence.</summary>
    /// <param name="weights">Of the model.</param>
    /// <param name="logits">[out] <c>[tokens or 1, vocabulary]</c>.</param>
    /// <param name="everyPosition">Whether logits of all positions are wanted, else those of the last.</param>
    public ForwardReport RunAlone(ModelWeights weights, Span<float> logits, bool everyPosition) =>
        Run(weights, logits, everyPosition, default, _rows.Session(0));

    /// <summary>Runs the sequences of a batch.</summary>
    /// <param name="weights">Of the model.</param>
    /// <param name="logits">[out] <c>[steps, vocabulary]</c>.</param>
    /// <param name="reports">[out] Figures of each step; empty = not wanted.</param>
    public ForwardReport RunBatch(ModelWeights weights, Span<float> logits, Span<ForwardReport> reports)
    {
        _rows.IsBatch = true;
        try
        {
            return Run(weights, logits, everyPosition: false, reports, null);
        }
        catch (ExpertDispatchException e) when (e.Token is not null)
        {
            throw _rows.Blame(e.Token.Value, e);
        }
    }

    /// <summary>Lets go of the sequences.</summary>
    public void Clear()
    {
        _rows.Clear();
        _rows.IsBatch = false;
    }

    private ForwardReport Run(ModelWeights weights, Span<float> logits, bool everyPosition, Span<ForwardReport> reports, MoESession? alone)
    {
        // A pass that routes by something else says nothing about the budget.
        LatencyController? latency = alone?.Source is not null ? null : _model.Latency;
        LogitShadow? shadow = alone?.Source is not null ? null : _model.LogitShadow;
        long generation = shadow?.Generation ?? 0;
        long start = latency?.Start() ?? 0;
        _routing.Begin(alone);
        try
        {
            int done = 0;
            while (_rows.Next(_model.Options.MaxTokens, everyPosition))
            {
                Reserve();
                _routing.BeginChunk();
                Span<float> hidden = RunLayers(weights, alone);
                int length = _rows.Wanted.Length * _config.VocabularySize;
                Head(weights, hidden, logits.Slice(done, length));
                done += length;
            }
        }
        catch
        {
            _routing.Fail();
            throw;
        }

        latency?.Stop(start);
        ForwardReport report = _routing.End(reports);
        Advance(shadow, logits, everyPosition, generation);
        return report;
    }

    private void Reserve()
    {
        try
        {
            _work.Reserve(_rows.Capacity);
        }
        catch (OutOfMemoryException e)
        {
            throw new DynamicMoEMemoryException($"Working memory for {_rows.Capacity} rows cannot be had; a lower MaxTokens needs less.", e);
        }
    }

    private Span<float> RunLayers(ModelWeights weights, MoESession? alone)
    {
        int width = _config.HiddenSize, count = _rows.Count;
        Span<float> hidden = _work.Hidden.AsSpan(0, count * width);
        Span<float> normed = _work.Normed.AsSpan(0, hidden.Length);
        Span<float> delta = _work.Delta.AsSpan(0, hidden.Length);
        Embed(weights, hidden);
        _work.Rotary.Prepare(_rows.Positions);
        int block = 0;
        for (int i = 0; i < weights.Layers.Length; i++)
        {
            DecoderLayer layer = weights.Layers[i];
            Normalization.Rms(hidden, count, layer.AttentionNorm, _config.NormEpsilon, normed);
            layer.Attention.Forward(normed, _rows, i, _work, delta);
            TensorPrimitives.Add(hidden, delta, hidden);
            _guard.Residual(hidden, i, "attention");
            Normalization.Rms(hidden, count, layer.MlpNorm, _config.NormEpsilon, normed);
            _guard.MlpInput(normed, i);
            if (layer.Dense is { } dense)
            {
                dense.Forward(normed, count, _work.DenseGate, _work.DenseUp, delta, _model.Options.Threads);
            }
            else
            {
                RoutingContext? context = alone?.Advisor is { } advisor ? Advise(advisor, layer.Experts!, block, i) : _routing.Dials(layer.Experts!);
                _routing.Run(block++, normed, delta, context);
            }

            TensorPrimitives.Add(hidden, delta, hidden);
            _guard.Residual(hidden, i, "MLP");
        }

        return hidden;
    }

    private void Embed(ModelWeights weights, Span<float> hidden)
    {
        int width = _config.HiddenSize, row = 0;
        foreach (ref readonly PassSegment segment in _rows.Segments)
        {
            foreach (int token in segment.Tokens)
            {
                weights.Embedding.CopyRow(token, hidden.Slice(row++ * width, width));
            }
        }
    }

    private RoutingContext? Advise(IRoutingAdvisor advisor, MoEBlock block, int index, int layer)
    {
        PassSegment segment = _rows.Segments[0];
        return advisor.Advise(new RoutedInput
        {
            Index = index,
            Block = block,
            Tokens = segment.Count,
            Position = segment.Position,
            Residual = _work.Hidden.AsSpan(0, segment.Count * _config.HiddenSize),
            Normed = _work.Normed.AsSpan(0, segment.Count * _config.HiddenSize),
            Query = _work.Query.AsSpan(0, segment.Count * _config.Attention!.QueryWidth),
            Keys = segment.Session.Cache(layer).KeysUpTo(segment.Position + segment.Count),
        });
    }

    private void Head(ModelWeights weights, ReadOnlySpan<float> hidden, Span<float> logits)
    {
        int width = _config.HiddenSize, count = _rows.Wanted.Length;
        if (count == 0)
        {
            return;
        }

        Span<float> normed = _work.Normed.AsSpan(0, count * width);
        if (count < _rows.Count)
        {
            Span<float> wanted = _work.Delta.AsSpan(0, count * width);
            for (int i = 0; i < count; i++)
            {
                hidden.Slice(_rows.Wanted[i] * width, width).CopyTo(wanted[(i * width)..]);
            }

            hidden = wanted;
        }

        Normalization.Rms(hidden, count, weights.FinalNorm, _config.NormEpsilon, normed);
        weights.Head.Multiply(normed, count, logits, _model.Options.Threads);
        _guard.Logits(logits, _config.VocabularySize);
    }

    // Nothing fails from here on: all sequences advance, or none.
    private void Advance(LogitShadow? shadow, ReadOnlySpan<float> logits, bool everyPosition, long generation)
    {
        int vocabulary = _config.VocabularySize;
        for (int step = 0; step < _rows.Steps; step++)
        {
            MoESession session = _rows.Session(step);
            int count = _rows.CountOf(step);
            session.Advance(count);

            // A sequence with a dial of its own says nothing about the budget either.
            if (shadow is not null && !_rows.HasDial(step))
            {
                int rows = everyPosition ? count : 1;
                shadow.Observe(session.History[..session.Position], session.Position - rows, logits.Slice(step * vocabulary, rows * vocabulary), generation);
            }
        }
    }
}
