namespace DynamicMoE;

/// <summary>The function inside an expert.</summary>
public enum ExpertKind
{
    /// <summary>down(silu(gate x) * up x).</summary>
    SwiGlu = 0,

    /// <summary>down(gelu(up x)), gelu by the error function.</summary>
    Gelu = 1,

    /// <summary>down(gelu(up x)), gelu by tanh.</summary>
    GeluTanh = 2,

    /// <summary>down(relu(up x)).</summary>
    Relu = 3,

    /// <summary>down(silu(up x)).</summary>
    Silu = 4,

    /// <summary>up x, with a square matrix.</summary>
    Linear = 5,
}
