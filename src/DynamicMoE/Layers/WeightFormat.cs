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

    /// <summary>Weights -127..127 in blocks of 32 along the inner dimension, one float16 scale each (8.5 bits per weight); activations are rounded to 8 bits in the same blocks.</summary>
    Q8 = 2,

    /// <summary>Weights -8..7 in blocks of 32, one float16 scale each (4.5 bits per weight); activations as for <see cref="Q8"/>.</summary>
    Q4 = 3,
}
