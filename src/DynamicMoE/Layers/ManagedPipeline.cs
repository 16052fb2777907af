using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>Any router and managed experts, stage by stage: route, then per chunk plan, gather rows per expert, experts, combine.</summary>
internal sealed class ManagedPipeline(IRouter router, ManagedExperts experts, MoELayerOptions options, CapacityLimit? limit) : LayerPipeline
{
    private readonly ScratchPool<Workspace> _workspaces = new();

    internal override RoutingReport Run(
        ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, RoutingContext? context)
    {
        int chunk = Chunk(routing.Slots);
        experts.Enter();
        try
        {
            RoutingReport report = limit is { } capacity
                ? router.RouteWithin(capacity, hidden, tokens, routing, context)
                : router.Route(hidden, tokens, routing, context);
            RunChunks(hidden, tokens, output, routing, chunk);
            return report;
        }
        finally
        {
            experts.Leave();
        }
    }

    internal override RoutingReport Execute(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing)
    {
        int chunk = Chunk(routing.Slots);
        Shapes.RequireFinite(hidden, router.InputDim, nameof(hidden));
        experts.Enter();
        try
        {
            RunChunks(hidden, tokens, output, routing, chunk);
            return GivenRoutes.Report(routing, tokens);
        }
        finally
        {
            experts.Leave();
        }
    }

    public override void Dispose() => experts.Dispose();

    private void RunChunks(ReadOnlySpan<float> hidden, int tokens, Span<float> output, RoutingBuffers routing, int chunk)
    {
        Workspace work = _workspaces.Rent();
        try
        {
            for (int first = 0; first < tokens; first += chunk)
            {
                RunChunk(hidden, first, Math.Min(chunk, tokens - first), output, routing, work);
            }
        }
        finally
        {
            _workspaces.Return(work);
        }
    }

    // Tokens whose rows fit into one array even when every slot is used. Known before routing, so that nothing fails for its size after it.
    private int Chunk(int slots)
    {
        long worst = (long)slots * router.InputDim;
        if (worst > Array.MaxLength)
        {
            throw new RoutingValidationException(
                $"{slots} slots per token and hidden size {router.InputDim} need up to {worst} elements per token, at most {Array.MaxLength} are allowed.");
        }

        return (int)Math.Min(options.MaxTokens, Array.MaxLength / worst);
    }

    private void RunChunk(ReadOnlySpan<float> hidden, int first, int tokens, Span<float> output, RoutingBuffers routing, Workspace work)
    {
        int dim = router.InputDim;
        work.ReservePlan(experts.Count, tokens, routing.Slots);
        PlanCalls.Build(routing, first, tokens, work.Plan);
        work.ReserveRows(dim);
        Gather(hidden[(first * dim)..], work);
        RunExperts(work, first);
        PlanCalls.Combine(routing, first, tokens, work.Plan, work.Results(dim), dim, output.Slice(first * dim, tokens * dim));
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

    private void RunExperts(Workspace work, int firstToken)
    {
        int dim = router.InputDim;
        for (int expert = 0; expert < experts.Count; expert++)
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

            RequireFinite(output, expert, work.Plan.Tokens.AsSpan(first, count), firstToken);
        }
    }

    private void RequireFinite(ReadOnlySpan<float> output, int expert, ReadOnlySpan<int> tokens, int firstToken)
    {
        for (int i = 0; i < output.Length; i++)
        {
            if (!float.IsFinite(output[i]))
            {
                int token = firstToken + tokens[i / router.InputDim];
                throw new ExpertDispatchException($"Expert {expert} returned {output[i]} for token {token}.", expert, token, null);
            }
        }
    }

    /// <summary>Memory of one call; grows to the most routes of a chunk seen.</summary>
    private sealed class Workspace
    {
        private float[] _rows = [];
        private float[] _results = [];

        internal RoutePlan Plan { get; private set; } = new(0);

        internal int Routes => (int)Plan.Offsets[^1];

        internal void ReservePlan(int experts, int tokens, int slots)
        {
            if (Plan.Experts != experts)
            {
                Plan = new RoutePlan(experts);
            }

            Plan.Reserve(tokens, slots);
        }

        internal void ReserveRows(int dim)
        {
            int elements = Routes * dim;
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
