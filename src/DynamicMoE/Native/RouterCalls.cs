using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls on gate weights.</summary>
internal static unsafe class RouterCalls
{
    internal static RouterHandle Create(GateOptions o, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        NativeStatus.RequireLibrary();
        DmoeRouterOptions options = DmoeRouterOptions.Create();
        options.Hidden = o.InputDim;
        options.Experts = o.NumExperts;
        options.Gate = (int)o.Gate;
        options.TrainedK = o.TrainedExperts;
        options.Groups = o.Groups;
        options.TopGroups = o.TopGroups;
        options.GroupScore = (int)o.GroupScore;
        options.RoutedScale = o.RoutedScale;
        options.MaxTokens = o.MaxTokens;
        options.Threads = o.Threads;
        options.Isa = (int)o.Isa;
        fixed (float* w = weights)
        fixed (float* b = bias)
        {
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_router_create(&options, w, b, out RouterHandle handle));
            return handle;
        }
    }

    internal static void Logits(RouterHandle router, ReadOnlySpan<float> hidden, int tokens, int inputDim, Span<float> logits, int experts)
    {
        fixed (float* h = hidden)
        fixed (float* l = logits)
        {
            DmoeMatrixF32 input = Views.Input(h, tokens, inputDim);
            DmoeOutputF32 output = Views.Output(l, tokens, experts);
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_router_logits(router, &input, &output));
        }
    }

    /// <summary>Routes hidden states.</summary>
    internal static RoutingReport Route(
        RouterHandle router, ReadOnlySpan<float> hidden, int tokens, int inputDim, in RouteParams p, RoutingBuffers buffers)
    {
        var state = new Input(router, hidden, tokens, inputDim);
        return PinnedRoute.Call<RouteCall, Input>(in state, in p, buffers, tokens);
    }

    /// <summary>Routes given logits.</summary>
    internal static RoutingReport Select(
        RouterHandle router, ReadOnlySpan<float> logits, int tokens, int experts, in RouteParams p, RoutingBuffers buffers)
    {
        var state = new Input(router, logits, tokens, experts);
        return PinnedRoute.Call<SelectCall, Input>(in state, in p, buffers, tokens);
    }

    /// <summary>Applies the parameters' cap on distinct experts and a capacity to the routes in <paramref name="buffers"/>, which hold the logits that they came from.</summary>
    internal static RoutingReport Limit(
        RouterHandle router, int tokens, in RouteParams p, CapacityLimit? limit, RoutingBuffers buffers)
    {
        var state = new LimitInput(router, buffers, tokens, limit, p.MaxDistinct);
        return PinnedRoute.Call<LimitCall, LimitInput>(in state, in p, buffers, tokens);
    }

    internal readonly ref struct Input(RouterHandle router, ReadOnlySpan<float> rows, int tokens, int columns)
    {
        internal readonly RouterHandle Router = router;
        internal readonly ReadOnlySpan<float> Rows = rows;
        internal readonly int Tokens = tokens;
        internal readonly int Columns = columns;
    }

    internal readonly ref struct LimitInput(RouterHandle router, RoutingBuffers buffers, int tokens, CapacityLimit? limit, int maxDistinct)
    {
        internal readonly RouterHandle Router = router;
        internal readonly RoutingBuffers Buffers = buffers;
        internal readonly int Tokens = tokens;
        internal readonly CapacityLimit? Limit = limit;
        internal readonly int MaxDistinct = maxDistinct;
    }

    internal readonly struct RouteCall : IRouteCall<Input>
    {
        public static DmoeStatus Run(in Input state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report)
        {
            fixed (float* rows = state.Rows)
            {
                DmoeMatrixF32 hidden = Views.Input(rows, state.Tokens, state.Columns);
                return NativeMethods.dmoe_router_route(state.Router, &hidden, parameters, routes, report);
            }
        }
    }

    internal readonly struct SelectCall : IRouteCall<Input>
    {
        public static DmoeStatus Run(in Input state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report)
        {
            fixed (float* rows = state.Rows)
            {
                DmoeMatrixF32 logits = Views.Input(rows, state.Tokens, state.Columns);
                return NativeMethods.dmoe_router_select(state.Router, &logits, parameters, routes, report);
            }
        }
    }

    internal readonly struct LimitCall : IRouteCall<LimitInput>
    {
        public static DmoeStatus Run(in LimitInput state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report)
        {
            DmoeMatrixF32 logits = Views.Input(routes->Logits, state.Tokens, state.Buffers.NumExperts);
            DmoeLayerParams limits = LayerCalls.Limits(state.Limit, state.MaxDistinct);
            return NativeMethods.dmoe_router_limit(state.Router, &logits, parameters, &limits, routes, report);
        }
    }
}
