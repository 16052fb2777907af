namespace DynamicMoE;

/// <summary>Instruction-set level of the native kernels. Levels never mix within one object.</summary>
public enum InstructionSet
{
    /// <summary>The best level that this machine runs, or the one that DYNAMIC_MOE_ISA names.</summary>
    Auto = 0,

    /// <summary>Portable code.</summary>
    Scalar = 1,

    /// <summary>AVX2, FMA and F16C.</summary>
    Avx2 = 2,

    /// <summary>AVX-512 F, BW, DQ and VL.</summary>
    Avx512 = 3,

    /// <summary>The AVX-512 level and VNNI.</summary>
    Avx512Vnni = 4,

    /// <summary>The VNNI level and BF16.</summary>
    Avx512Bf16 = 5,

    /// <summary>AArch64.</summary>
    Neon = 6,
}
