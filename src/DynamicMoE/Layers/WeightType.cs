namespace DynamicMoE;

/// <summary>Element type of weights handed in (the native values of the same names).</summary>
internal enum WeightType
{
    Float32 = 0,
    BFloat16 = 1,
    Float16 = 2,
}
