using System.Numerics.Tensors;

namespace DynamicMoE;

/// <summary>A router around another one, which it asks and does not own. Wrappers go around each other in any order.</summary>
public abstract partial class RouterWrapper : IRouter
{
    private protected RouterWrapper(IRouter inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        Inner = inner;
    }

    /// <summary>The router inside.</summary>
    public IRouter Inner { get; }

    /// <inheritdoc/>
    public int InputDim => Inner.InputDim;

    /// <inheritdoc/>
    public int NumExperts => Inner.NumExperts;

    /// <inheritdoc/>
    public int MinExperts => Inner.MinExperts;

    /// <inheritdoc/>
    public int MaxExperts => Inner.MaxExperts;

    /// <inheritdoc/>
    public int TrainedExperts => Inner.TrainedExperts;

    /// <inheritdoc/>
    public RoutingStrategy Strategy => Inner.Strategy;

    /// <inheritdoc/>
    public Weighting Weighting => Inner.Weighting;

    /// <inheritdoc/>
    public string EstimatorName => Inner.EstimatorName;

    /// <inheritdoc/>
    public float Tau => Inner.Tau;

    /// <inheritdoc/>
    public bool CanLimit => Inner.CanLimit;

    /// <inheritdoc/>
    public bool HasBatchWideRule(RoutingContext? context = null) => Inner.HasBatchWideRule(context);

    /// <inheritdoc/>
    public RoutingReport Route(ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null) =>
        RouteRows(hidden, tokens, buffers, context, null);

    /// <inheritdoc/>
    public RoutingReport RouteWithin(
        CapacityLimit capacity, ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null) =>
        RouteRows(hidden, tokens, buffers, context, capacity);

    /// <inheritdoc/>
    public RoutingResult Route(in ReadOnlyTensorSpan<float> hidden, bool returnRouterLogits = false, RoutingContext? context = null)
    {
        scoped ReadOnlySpan<float> rows;
        int tokens;
        try
        {
            rows = Shapes.Rows(in hidden, InputDim, nameof(hidden), out tokens);
        }
        catch (RoutingValidationException error)
        {
            Refused(error);
            throw;
        }

        RoutingBuffers buffers = RoutingBuffers.For(this, tokens, returnRouterLogits);
        float tau = Tau;
        RoutingReport report = RouteRows(rows, tokens, buffers, context, null);
        return RoutingResult.From(buffers, hidden.Lengths, this, report, tau, HasBatchWideRule(context));
    }

    /// <inheritdoc/>
    public ExpertUsageStats GetExpertUsageStats() => Inner.GetExpertUsageStats();

    /// <summary>Routes a batch, whichever way it was asked for.</summary>
    /// <param name="hidden">Not checked yet.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="buffers">Not checked yet; may be null.</param>
    /// <param name="context">Context, or null.</param>
    /// <param name="capacity">Most routes of an expert; null without limit.</param>
    private protected abstract RoutingReport RouteRows(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity);

    /// <summary>A tensor was refused for its shape before it became rows, so that no router sees it.</summary>
    private protected virtual void Refused(RoutingValidationException error) => (Inner as RouterWrapper)?.Refused(error);

    /// <summary>Hands a batch on.</summary>
    private protected RoutingReport RouteInner(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity) => capacity is { } limit
            ? Inner.RouteWithin(limit, hidden, tokens, buffers, context)
            : Inner.Route(hidden, tokens, buffers, context);
}
