using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>Any router and managed experts, stage by stage: route, plan, gather rows per expert, experts, combine.</summary>
internal sealed class ManagedPipeline(IRouter router, IExpert[] experts, CapacityLimit? limit) : LayerPipeline
{
    private readonly ScratchPool<Workspace> _workspaces = new();

    internal override RoutingReport Run(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context)
    {
        Workspace work = _workspaces.Rent();
        try
        {
            RoutingReport report = limit is { } capacity
                ? RouteWithin(capacity, work.Route, hidden, tokens, routing, context)
                : router.Route(hidden, tokens, routing, context);
            work.Reserve(experts.Length, tokens, routing.Slots, router.InputDim);
            PlanCalls.Build(routing, tokens, work.Plan);
            Gather(hidden, work);
            RunExperts(work);
            PlanCalls.Combine(routing, tokens, work.Plan, work.Results(router.InputDim), router.InputDim, output);
            return report;
        }
        finally
        {
            _workspaces.Return(work);
        }
    }

    public override void Dispose()
    {
        foreach (IExpert expert in experts)
        {
            (expert as IDisposable)?.Dispose();
        }
    }

    // The capacity rule looks for next choices in the logits: they are kept even when the caller does not want them.
    private RoutingReport RouteWithin(
        CapacityLimit capacity, RouteScratch scratch, ReadOnlySpan<float> hidden, int tokens, RoutingBuffers routing, RoutingContext? context)
    {
        var dynamic = (DynamicRouter)router;
        RoutingBuffers routes = routing.HasLogits ? routing : scratch.Routing(router, tokens, withLogits: true);
        dynamic.ThrowIfDisposed();
        RouteParams parameters = dynamic.Prepare(hidden, tokens, context, scratch);
        RouterCalls.Route(dynamic.Gate.Handle, hidden, tokens, router.InputDim, in parameters, routes);
        RoutingReport report = RouterCalls.Limit(dynamic.Gate.Handle, tokens, in parameters, capacity, routes);
        dynamic.Commit(scratch, tokens, routes, context);
        if (!ReferenceEquals(routes, routing))
        {
            routes.CopyTo(routing, tokens);
        }

        return report;
    }

    private void Gather(ReadOnlySpan<float> hidden, Workspace work)
    {
        int dim = router.InputDim;
        Span<float> rows = work.Rows(dim);
        for (int route = 0; route < work.Routes; route++)
        {
            hidden.Slice(work.Plan.Tokens[route] * dim, dim).CopyTo(rows[(route * dim)..]);
        }
    }

    private void RunExperts(Workspace work)
    {
        int dim = router.InputDim;
        for (int expert = 0; expert < experts.Length; expert++)
        {
            int first = (int)work.Plan.Offsets[expert];
            int count = (int)work.Plan.Offsets[expert + 1] - first;
            if (count == 0)
            {
                continue;
            }

            Span<float> output = work.Results(dim).Slice(first * dim, count * dim);
            try
            {
                experts[expert].Forward(work.Rows(dim).Slice(first * dim, count * dim), count, output);
            }
            catch (Exception error)
            {
                throw new ExpertDispatchException($"Expert {expert} failed on {count} tokens: {error.Message}", expert, null, error);
            }

            RequireFinite(output, expert, work.Plan.Tokens.AsSpan(first, count));
        }
    }

    private void RequireFinite(ReadOnlySpan<float> output, int expert, ReadOnlySpan<int> tokens)
    {
        for (int i = 0; i < output.Length; i++)
        {
            if (!float.IsFinite(output[i]))
            {
                int token = tokens[i / router.InputDim];
                throw new ExpertDispatchException($"Expert {expert} returned {output[i]} for token {token}.", expert, token, null);
            }
        }
    }

    /// <summary>Memory of one call; grows to the largest batch seen.</summary>
    private sealed class Workspace
    {
        private float[] _rows = [];
        private float[] _results = [];

        internal RouteScratch Route { get; } = new();

        internal RoutePlan Plan { get; private set; } = new(0);

        internal int Routes => (int)Plan.Offsets[^1];

        internal void Reserve(int experts, int tokens, int slots, int dim)
        {
            if (Plan.Experts != experts)
            {
                Plan = new RoutePlan(experts);
            }

            Plan.Reserve(tokens, slots);
            int elements = checked(tokens * slots * dim);
            if (_rows.Length < elements)
            {
                _rows = new float[elements];
                _results = new float[elements];
            }
        }

        internal Span<float> Rows(int dim) => _rows.AsSpan(0, Routes * dim);

        internal Span<float> Results(int dim) => _results.AsSpan(0, Routes * dim);
    }
}
