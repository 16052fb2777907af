using System.Numerics.Tensors;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Profiling;

/// <summary>Keeps what each layer with experts sees while a model runs a text as it was trained.</summary>
internal sealed class HiddenStates : IRoutingSource
{
    private const int MostWindow = 512;

    private readonly int _hidden;
    private readonly int _tokens;
    private readonly float[][] _rows;
    private readonly int[] _count;

    private HiddenStates(MoEModel model, int tokens)
    {
        _hidden = model.Config.HiddenSize;
        _tokens = tokens;
        _rows = [.. model.MoELayers.Select(_ => new float[tokens * _hidden])];
        _count = new int[_rows.Length];
    }

    /// <inheritdoc/>
    public int MostExperts => 0;

    /// <summary>Runs the first tokens of a text in windows, each from an empty cache.</summary>
    /// <param name="model">The model; its routers learn nothing.</param>
    /// <param name="text">Ids, at least <paramref name="tokens"/>.</param>
    /// <param name="tokens">Tokens to keep.</param>
    /// <param name="cancel">Ends the work between two windows.</param>
    public static HiddenStates Of(MoEModel model, ReadOnlySpan<int> text, int tokens, CancellationToken cancel)
    {
        var states = new HiddenStates(model, tokens);
        MoESession session = model.CreateSession(Math.Min(MostWindow, model.Config.MaxPositions));
        session.RouteBy(states);
        var logits = new float[model.Config.VocabularySize];
        for (int start = 0; start < tokens; start += session.MaxPositions)
        {
            cancel.ThrowIfCancellationRequested();
            session.Reset();
            _ = session.ForwardLast(text.Slice(start, Math.Min(session.MaxPositions, tokens - start)), logits);
        }

        return states;
    }

    /// <summary>One layer's rows in batches of equal size.</summary>
    /// <param name="layer">Index among the layers with experts.</param>
    /// <param name="batch">Tokens of a batch.</param>
    public IReadOnlyList<Tensor<float>> Batches(int layer, int batch) =>
    [
        .. Enumerable.Range(0, _tokens / batch)
            .Select(i => Tensor.Create(_rows[layer].AsSpan(i * batch * _hidden, batch * _hidden).ToArray(), [batch, _hidden])),
    ];

    /// <inheritdoc/>
    public void Next(ReadOnlySpan<int> tokens, int position)
    {
    }

    /// <inheritdoc/>
    public RoutingReport Run(int index, MoEBlock block, ReadOnlySpan<float> x, int tokens, Span<float> y, RoutingBuffers buffers)
    {
        x.CopyTo(_rows[index].AsSpan(_count[index] * _hidden));
        _count[index] += tokens;
        return block.ForwardAsTrained(x, tokens, y, buffers);
    }
}
