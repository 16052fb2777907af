using DynamicMoE.Compute;

namespace DynamicMoE.Models;

/// <summary>The SwiGLU of a layer without experts: down(silu(gate x) * up x).</summary>
internal sealed class DenseMlp
{
    private readonly PackedMatrix _gate;
    private readonly PackedMatrix _up;
    private readonly PackedMatrix _down;

    private DenseMlp(PackedMatrix gate, PackedMatrix up, PackedMatrix down)
    {
        _gate = gate;
        _up = up;
        _down = down;
    }

    public static DenseMlp Load(WeightLoader loader, int layer, DisposalList owned)
    {
        ModelConfig config = loader.Checkpoint.Config;
        MlpNames names = ModelFamily.Dense(layer);
        return new DenseMlp(
            owned.Add(loader.Matrix(names.Gate, config.DenseWidth, config.HiddenSize)),
            owned.Add(loader.Matrix(names.Up, config.DenseWidth, config.HiddenSize)),
            owned.Add(loader.Matrix(names.Down, config.HiddenSize, config.DenseWidth)));
    }

    /// <summary>Runs a batch; the two buffers hold <c>[tokens, DenseWidth]</c>.</summary>
    public void Forward(ReadOnlySpan<float> x, int tokens, Span<float> gate, Span<float> up, Span<float> y, int threads)
    {
        int length = tokens * _gate.Outputs;
        gate = gate[..length];
        up = up[..length];
        _gate.Multiply(x, tokens, gate, threads);
        _up.Multiply(x, tokens, up, threads);
        for (int i = 0; i < length; i++)
        {
            // One element at a time: the result must not depend on where in the batch it stands.
            gate[i] = gate[i] / (1 + MathF.Exp(-gate[i])) * up[i];
        }

        _down.Multiply(gate, tokens, y, threads);
    }
}
