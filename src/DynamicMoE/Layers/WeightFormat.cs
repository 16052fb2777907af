using System.Diagnostics.CodeAnalysis;

namespace DynamicMoE;

/// <summary>How packed weights are kept.</summary>
public enum WeightFormat
{
    /// <summary>float32 weights and activations.</summary>
    [SuppressMessage("Naming", "CA1720", Justification = "The storage type is what the member names.")]
    Float32 = 0,

    /// <summary>bfloat16 weights, activations rounded to bfloat16 (nearest even), float32 sums.</summary>
    BFloat16 = 1,
}
