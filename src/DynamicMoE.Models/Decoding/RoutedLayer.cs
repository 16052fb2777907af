namespace DynamicMoE.Models;

/// <summary>A router and the layer that runs by it.</summary>
internal sealed class RoutedLayer(DynamicRouter router, MoELayer layer) : IDisposable
{
    public DynamicRouter Router => router;

    public MoELayer Layer => layer;

    public void Dispose()
    {
        layer.Dispose();
        router.Dispose();
    }
}
