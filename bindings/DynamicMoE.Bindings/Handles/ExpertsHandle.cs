namespace DynamicMoE.Bindings;

/// <summary>A set of packed experts, owned by the native library. Keeps the mapping that they lie in, if any.</summary>
internal sealed class ExpertsHandle : KeepingHandle
{
    protected override void Destroy() => NativeMethods.dmoe_experts_destroy(handle);
}
