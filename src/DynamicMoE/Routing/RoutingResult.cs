using System.Numerics.Tensors;

namespace DynamicMoE;

/// <summary>Routing decisions. Leading dimensions are those of the input: <c>[batch, sequence]</c> or <c>[tokens]</c>; slots = MaxExperts.</summary>
public sealed class RoutingResult
{
    internal RoutingResult(
        Tensor<int> expertIndices,
        Tensor<float> expertWeights,
        Tensor<int> expertsPerToken,
        Tensor<float> complexityScores,
        Tensor<float>? routerLogits,
        RoutingInfo info)
    {
        ExpertIndices = expertIndices;
        ExpertWeights = expertWeights;
        ExpertsPerToken = expertsPerToken;
        ComplexityScores = complexityScores;
        RouterLogits = routerLogits;
        Info = info;
    }

    /// <summary>Selected experts in falling preference, <c>[.., slots]</c>; -1 in unused slots.</summary>
    public Tensor<int> ExpertIndices { get; }

    /// <summary>Weights of the selected experts, <c>[.., slots]</c>; 0 in unused slots.</summary>
    public Tensor<float> ExpertWeights { get; }

    /// <summary>Experts used for each token, <c>[..]</c>.</summary>
    public Tensor<int> ExpertsPerToken { get; }

    /// <summary>Complexity of each token, <c>[..]</c>, between 0 and 1.</summary>
    public Tensor<float> ComplexityScores { get; }

    /// <summary>Raw router scores, <c>[.., NumExperts]</c>, or null when they were not asked for.</summary>
    public Tensor<float>? RouterLogits { get; }

    /// <summary>How the batch was routed.</summary>
    public RoutingInfo Info { get; }

    /// <summary>Wraps buffers that were made for exactly this batch; nothing is copied.</summary>
    internal static RoutingResult From(
        RoutingBuffers buffers, ReadOnlySpan<nint> hiddenLengths, IRouter router, RoutingReport report, float tau, bool batchWideRule)
    {
        nint[] tokens = Shapes.With(hiddenLengths, 0);
        nint[] slots = Shapes.With(hiddenLengths, buffers.Slots);
        var info = new RoutingInfo(
            report, router.Strategy, router.Weighting, router.EstimatorName, tau, TensorPrimitives.Average<float>(buffers.ComplexityScores), batchWideRule);
        return new RoutingResult(
            Tensor.Create(buffers.ExpertIndices, slots),
            Tensor.Create(buffers.ExpertWeights, slots),
            Tensor.Create(buffers.ExpertsPerToken, tokens),
            Tensor.Create(buffers.ComplexityScores, tokens),
            buffers.HasLogits ? Tensor.Create(buffers.RouterLogits, Shapes.With(hiddenLengths, buffers.NumExperts)) : null,
            info);
    }
}
