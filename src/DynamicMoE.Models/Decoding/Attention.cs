using DynamicMoE.Compute;

namespace DynamicMoE.Models;

/// <summary>Grouped-query attention of one layer, conventions of the family included.</summary>
internal sealed class Attention
{
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

    /// <summary>Adds new positions to the cache and attends from them.</summary>
    /// <param name="x">Normed hidden states, <c>[tokens, hidden]</c>.</param>
    /// <param name="tokens">New positions.</param>
    /// <param name="position">Position of the first.</param>
    /// <param name="cache">Keys and values of this layer.</param>
    /// <param name="rotary">Angles of the new positions.</param>
    /// <param name="work">Buffers.</param>
    /// <param name="y">[out] <c>[tokens, hidden]</c>.</param>
    public void Forward(ReadOnlySpan<float> x, int tokens, int position, KeyValueCache cache, RotaryAngles rotary, Workspace work, Span<float> y)
    {
        Span<float> query = work.Query.AsSpan(0, tokens * _config.QueryWidth);
        Span<float> attended = work.Attended.AsSpan(0, query.Length);
        Span<float> keys = cache.Keys.AsSpan(position * _config.KeyValueWidth, tokens * _config.KeyValueWidth);
        Span<float> values = cache.Values.AsSpan(position * _config.KeyValueWidth, keys.Length);
        _query.Multiply(x, tokens, query, _threads);
        _key.Multiply(x, tokens, keys, _threads);
        _value.Multiply(x, tokens, values, _threads);
        Normalize(query, tokens, _config.QueryHeads, _queryNorm);
        Normalize(keys, tokens, _config.KeyValueHeads, _keyNorm);
        if (_config.ClipQkv is { } limit)
        {
            Clip(query, limit);
            Clip(keys, limit);
            Clip(values, limit);
        }

        rotary.Turn(query, _config.QueryHeads);
        rotary.Turn(keys, _config.KeyValueHeads);
        int visible = (position + tokens) * _config.KeyValueWidth;
        var options = new AttentionOptions
        {
            QueryHeads = _config.QueryHeads,
            KvHeads = _config.KeyValueHeads,
            HeadDim = _config.HeadSize,
            Scale = 1 / MathF.Sqrt(_config.HeadSize),
            FirstPosition = position,
            Window = _config.SlidingWindow ?? 0,
            Threads = _threads,
            Isa = _isa,
        };
        CausalAttention.Run(in options, query, cache.Keys.AsSpan(0, visible), cache.Values.AsSpan(0, visible), attended);
        _output.Multiply(attended, tokens, y, _threads);
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
