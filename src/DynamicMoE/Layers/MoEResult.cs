using System.Numerics.Tensors;

namespace DynamicMoE;

/// <summary>Output of a layer and the routing behind it.</summary>
public sealed class MoEResult
{
    internal MoEResult(Tensor<float> output, RoutingResult routing)
    {
        Output = output;
        Routing = routing;
    }

    /// <summary>Output, with the shape of the input.</summary>
    public Tensor<float> Output { get; }

    /// <summary>Routing decisions.</summary>
    public RoutingResult Routing { get; }

    /// <summary>Figures of the batch.</summary>
    public RoutingReport Report => Routing.Info.Report;
}
