namespace DynamicMoE.Bindings;

/// <summary>Router, experts and workspaces, owned by the native library. Keeps the mappings that its experts lie in, if any.</summary>
internal sealed class LayerHandle : KeepingHandle
{
    protected override void Destroy() => NativeMethods.dmoe_layer_destroy(handle);
}
