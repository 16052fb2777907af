namespace DynamicMoE;

/// <content>What a layer and the wrappers of its router do for one another.</content>
public abstract partial class RouterWrapper
{
    /// <summary>Whether a layer may route and run experts in one native call past this wrapper, which then hears of the call afterwards. Fixed for the
    /// wrapper's life. The default is no: what a wrapper does in <see cref="RouteRows"/> would be left out.</summary>
    internal virtual bool CanBePassed => false;

    /// <summary>Whether the next batch may go past this wrapper. Else the layer asks the outermost router for routes and runs the experts after it.</summary>
    internal virtual bool MayPass => CanBePassed;

    /// <summary>Gets told of every batch of a layer over this router, whatever way the layer takes; null = none.</summary>
    internal virtual IForwardWatch? ForwardWatch => null;

    /// <summary>A batch went past this wrapper. Allocates nothing.</summary>
    /// <param name="report">Its figures.</param>
    /// <param name="routing">Its routes.</param>
    internal virtual void Passed(in RoutingReport report, RoutingBuffers routing)
    {
    }

    /// <summary>A batch that went past this wrapper failed, in routing or in the experts.</summary>
    /// <param name="error">Why.</param>
    internal virtual void PassFailed(Exception error)
    {
    }
}
