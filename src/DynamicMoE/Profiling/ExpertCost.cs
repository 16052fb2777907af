namespace DynamicMoE;

/// <summary>What one routed expert costs in a batch.</summary>
/// <param name="Expert">Its id.</param>
/// <param name="Routes">Tokens that were routed to it, at least 1.</param>
/// <param name="ProductFlops">Operations of its matrix products on them.</param>
/// <param name="OtherFlops">Operations of biases and activation function on them.</param>
/// <param name="WeightBytes">Bytes of its weights, as the native core keeps them.</param>
public sealed record ExpertCost(int Expert, long Routes, long ProductFlops, long OtherFlops, long WeightBytes);
