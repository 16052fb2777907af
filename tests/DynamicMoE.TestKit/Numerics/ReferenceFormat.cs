namespace DynamicMoE.TestKit.Numerics;

/// <summary>How the weights of a product are kept, and with them its activations.</summary>
public enum ReferenceFormat
{
    /// <summary>binary32.</summary>
    F32,

    /// <summary>bfloat16, nearest even.</summary>
    Bf16,

    /// <summary>-127..127 times a binary16 scale per block of 32; activations the same with a binary32 scale.</summary>
    Q8,

    /// <summary>-8..7 times a binary16 scale per block of 32; activations as for <see cref="Q8"/>.</summary>
    Q4,
}
