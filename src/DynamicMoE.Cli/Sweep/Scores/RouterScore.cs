using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep.Scores;

/// <summary>A score that the routing call computes by itself: router_margin or router_entropy.</summary>
internal sealed class RouterScore : ITokenScore
{
    private readonly DynamicRouter[] _routers;
    private RoutingBuffers? _buffers;

    /// <summary>Makes the score.</summary>
    /// <param name="model">The model.</param>
    /// <param name="estimator">router_margin or router_entropy.</param>
    public RouterScore(MoEModel model, string estimator)
    {
        Name = estimator;
        _routers = [.. model.MoELayers.Select(block => new DynamicRouter(block.Gate, new DynamicRouterOptions { ComplexityEstimator = estimator }))];
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public void Measure(in RoutedInput input, Span<float> values)
    {
        DynamicRouter router = _routers[input.Index];
        if (_buffers is null || _buffers.MaxTokens < input.Tokens)
        {
            _buffers = new RoutingBuffers(input.Tokens, router.MaxExperts, router.NumExperts, withLogits: false);
        }

        router.Route(input.Normed, input.Tokens, _buffers);
        _buffers.ComplexityScores.AsSpan(0, input.Tokens).CopyTo(values);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DynamicRouter router in _routers)
        {
            router.Dispose();
        }
    }
}
