namespace DynamicMoE.Models;

/// <summary>Tensor names of a SwiGLU: down(silu(gate x) * up x).</summary>
/// <param name="Gate">Goes through the activation, <c>[width, hidden]</c>.</param>
/// <param name="Up">Multiplies it, <c>[width, hidden]</c>.</param>
/// <param name="Down">Leads back, <c>[hidden, width]</c>.</param>
internal readonly record struct MlpNames(string Gate, string Up, string Down)
{
    /// <summary>The names that most families use below a prefix.</summary>
    public static MlpNames Projections(string prefix) =>
        new($"{prefix}gate_proj.weight", $"{prefix}up_proj.weight", $"{prefix}down_proj.weight");
}
