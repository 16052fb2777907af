using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls of the staged path: order routes by expert, join expert rows.</summary>
internal static unsafe class PlanCalls
{
    internal static void Build(RoutingBuffers routes, int first, int tokens, RoutePlan plan)
    {
        var state = new Input(plan, first, default, default, 0);
        PinnedRoute.CallWithRoutes<BuildCall, Input>(in state, null, routes, tokens);
    }

    internal static void Combine(
        RoutingBuffers routes, int first, int tokens, RoutePlan plan, ReadOnlySpan<float> expertRows, int hidden, Span<float> output)
    {
        var state = new Input(plan, first, expertRows, output, hidden);
        PinnedRoute.CallWithRoutes<CombineCall, Input>(in state, null, routes, tokens);
    }

    private static DmoePlan Native(RoutePlan plan, long* offsets, int* tokens, int* rows)
    {
        DmoePlan native = DmoePlan.Create();
        native.Experts = plan.Experts;
        native.Capacity = plan.Tokens.Length;
        native.Offsets = offsets;
        native.Tokens = tokens;
        native.Rows = rows;
        return native;
    }

    // A plan reads ids and weights only.
    private static DmoeRoutes From(DmoeRoutes* routes, int first)
    {
        DmoeRoutes rest = DmoeRoutes.Create();
        rest.Slots = routes->Slots;
        rest.Tokens = routes->Tokens;
        rest.Ids = routes->Ids + ((long)first * routes->Slots);
        rest.Weights = routes->Weights + ((long)first * routes->Slots);
        return rest;
    }

    internal readonly ref struct Input(RoutePlan plan, int first, ReadOnlySpan<float> expertRows, Span<float> output, int hidden)
    {
        internal readonly RoutePlan Plan = plan;
        internal readonly int First = first;
        internal readonly ReadOnlySpan<float> ExpertRows = expertRows;
        internal readonly Span<float> Output = output;
        internal readonly int Hidden = hidden;
    }

    internal readonly struct BuildCall : IRouteCall<Input>
    {
        public static DmoeStatus Run(in Input state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report)
        {
            fixed (long* offsets = state.Plan.Offsets)
            fixed (int* tokens = state.Plan.Tokens)
            fixed (int* rows = state.Plan.Rows)
            {
                DmoePlan plan = Native(state.Plan, offsets, tokens, rows);
                DmoeRoutes chunk = From(routes, state.First);
                return NativeMethods.dmoe_plan_build(&chunk, &plan);
            }
        }
    }

    internal readonly struct CombineCall : IRouteCall<Input>
    {
        public static DmoeStatus Run(in Input state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report)
        {
            fixed (long* offsets = state.Plan.Offsets)
            fixed (int* tokens = state.Plan.Tokens)
            fixed (int* rows = state.Plan.Rows)
            fixed (float* expertRows = state.ExpertRows)
            fixed (float* result = state.Output)
            {
                DmoePlan plan = Native(state.Plan, offsets, tokens, rows);
                DmoeMatrixF32 input = Views.Input(expertRows, state.ExpertRows.Length / state.Hidden, state.Hidden);
                DmoeOutputF32 output = Views.Output(result, (int)routes->Tokens, state.Hidden);
                DmoeRoutes chunk = From(routes, state.First);
                return NativeMethods.dmoe_combine(&chunk, &plan, &input, &output);
            }
        }
    }
}
