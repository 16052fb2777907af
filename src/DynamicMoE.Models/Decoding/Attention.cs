using DynamicMoE.Compute;

namespace DynamicMoE.Models;

/// <summary>Grouped-query attention of one layer, conventions of the family included.</summary>
internal sealed class Attention
{
    // Multiply-adds below which waking other threads takes longer than what they would do: a batch of single tokens is many small calls.
    private const long ShareFrom = 1 << 15;

    private readonly AttentionConfig _config;
    private readonly float _normEpsilon;
    private readonly InstructionSet _isa;
    private readonly int _threads;
    private readonly PackedMatrix _query, _key, _value, _output;
    private readonly float[] _queryNorm, _keyNorm;

    private Attention(WeightLoader loader, int layer, DisposalList owned)
    {
        ModelConfig model = loader.Checkpoint.Config;
        _config = model.Attention!;
        _normEpsilon = model.NormEpsilon;
        _isa = loader.Options.Isa;
        _threads = loader.Options.Threads;
        _query = Projection("q_proj", _config.QueryWidth, model.HiddenSize, _config.QkvBias);
        _key = Projection("k_proj", _config.KeyValueWidth, model.HiddenSize, _config.QkvBias);
        _value = Projection("v_proj", _config.KeyValueWidth, model.HiddenSize, _config.QkvBias);
        _output = Projection("o_proj", model.HiddenSize, _config.QueryWidth, _config.OutputBias);
        _queryNorm = Norm("q_norm", _config.QueryWidth);
        _keyNorm = Norm("k_norm", _config.KeyValueWidth);

        PackedMatrix Projection(string name, int outputs, int inputs, bool bias) => owned.Add(loader.Matrix(
            ModelFamily.Attention(layer, $"{name}.weight"), outputs, inputs, bias ? ModelFamily.Attention(layer, $"{name}.bias") : null));

        float[] Norm(string name, int width) => _config.Norm switch
        {
            QueryKeyNorm.PerHead => loader.Vector(ModelFamily.Attention(layer, $"{name}.weight"), _config.HeadSize),
            QueryKeyNorm.FullWidth => loader.Vector(ModelFamily.Attention(layer, $"{name}.weight"), width),
            _ => [],
        };
    }

    public static Attention Load(WeightLoader loader, int layer, DisposalList owned) => new(loader, layer, owned);

    /// <summary>Adds new positions to the caches of their sequences and attends from them, each sequence over its own.</summary>
    /// <param name="x">Normed hidden states, <c>[rows, hidden]</c>.</param>
    /// <param name="rows">Whose rows they are.</param>
    /// <param name="layer">Index of this layer.</param>
    /// <param name="work">Buffers, with the angles of the rows.</param>
    /// <param name="y">[out] <c>[rows, hidden]</c>.</param>
    public void Forward(ReadOnlySpan<float> x, PassRows rows, int layer, Workspace work, Span<float> y)
    {
        int count = rows.Count;
        Span<float> query = work.Query.AsSpan(0, count * _config.QueryWidth);
        Span<float> keys = work.Keys.AsSpan(0, count * _config.KeyValueWidth);
        Span<float> values = work.Values.AsSpan(0, keys.Length);
        _query.Multiply(x, count, query, _threads);
        _key.Multiply(x, count, keys, _threads);
        _value.Multiply(x, count, values, _threads);
        Normalize(query, count, _config.QueryHeads, _queryNorm);
        Normalize(keys, count, _config.KeyValueHeads, _keyNorm);
        if (_config.ClipQkv is { } limit)
        {
            Clip(query, limit);
            Clip(keys, limit);
            Clip(values, limit);
        }

        work.Rotary.Turn(query, _config.QueryHeads);
        work.Rotary.Turn(keys, _config.KeyValueHeads);
        Span<float> attended = work.Attended.AsSpan(0, query.Length);
        foreach (ref readonly PassSegment segment in rows.Segments)
        {
            int first = segment.Row * _config.KeyValueWidth, length = segment.Count * _config.KeyValueWidth;
            KeyValueCache cache = segment.Session.Cache(layer);
            cache.Append(segment.Position, keys.Slice(first, length), values.Slice(first, length));
            first = segment.Row * _config.QueryWidth;
            length = segment.Count * _config.QueryWidth;
            Attend(in segment, query.Slice(first, length), cache, attended.Slice(first, length));
        }

        _output.Multiply(attended, count, y, _threads);
    }

    private void Attend(in PassSegment segment, ReadOnlySpan<float> query, KeyValueCache cache, Span<float> attended)
    {
        int positions = segment.Position + segment.Count;
        long work = 2L * segment.Count * positions * _config.QueryWidth;
        var options = new AttentionOptions
        {
            QueryHeads = _config.QueryHeads,
            KvHeads = _config.KeyValueHeads,
            HeadDim = _config.HeadSize,
            Scale = 1 / MathF.Sqrt(_config.HeadSize),
            FirstPosition = segment.Position,
            Window = _config.SlidingWindow ?? 0,
            Threads = work < ShareFrom ? 1 : _threads,
            Isa = _isa,
        };
        CausalAttention.Run(in options, query, cache.KeysUpTo(positions), cache.ValuesUpTo(positions), attended);
    }

    private void Normalize(Span<float> rows, int tokens, int heads, float[] weight)
    {
        if (weight.Length > 0)
        {
            int count = _config.Norm == QueryKeyNorm.PerHead ? tokens * heads : tokens;
            Normalization.Rms(rows, count, weight, _normEpsilon, rows);
        }
    }

    private static void Clip(Span<float> values, float limit)
    {
        foreach (ref float value in values)
        {
            value = Math.Clamp(value, -limit, limit);
        }
    }
}
