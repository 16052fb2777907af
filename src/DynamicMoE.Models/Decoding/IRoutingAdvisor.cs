namespace DynamicMoE.Models;

/// <summary>Tells each router of a session what it cannot see by itself. The evaluation compares signals this way.</summary>
internal interface IRoutingAdvisor
{
    /// <summary>Called before each layer with experts.</summary>
    /// <returns>What the router is told; null = nothing.</returns>
    RoutingContext? Advise(in RoutedInput input);
}

/// <summary>What surrounds a layer with experts when its router is about to decide.</summary>
internal readonly ref struct RoutedInput
{
    /// <summary>Index among the layers with experts.</summary>
    public required int Index { get; init; }

    /// <summary>The layer.</summary>
    public required MoEBlock Block { get; init; }

    /// <summary>New positions.</summary>
    public required int Tokens { get; init; }

    /// <summary>Position of the first.</summary>
    public required int Position { get; init; }

    /// <summary>The stream to which the layer's output is added, <c>[Tokens, hidden]</c>.</summary>
    public required ReadOnlySpan<float> Residual { get; init; }

    /// <summary>The layer's input, <c>[Tokens, hidden]</c>.</summary>
    public required ReadOnlySpan<float> Normed { get; init; }

    /// <summary>Queries of the attention before it, turned by position, <c>[Tokens, QueryWidth]</c>.</summary>
    public required ReadOnlySpan<float> Query { get; init; }

    /// <summary>Keys of all positions so far, turned by position, <c>[Position + Tokens, KeyValueWidth]</c>.</summary>
    public required ReadOnlySpan<float> Keys { get; init; }
}
