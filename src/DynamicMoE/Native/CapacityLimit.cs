namespace DynamicMoE.Native;

/// <summary>Most routes of an expert: ceil(Factor * routes / experts).</summary>
internal readonly record struct CapacityLimit(float Factor, OverflowPolicy Overflow);
