using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls of the staged path: order routes by expert, join expert rows.</summary>
internal static unsafe class PlanCalls
{
    internal static void Build(RoutingBuffers routes, int tokens, RoutePlan plan)
    {
        var state = new Input(plan, default, default, 0);
        PinnedRoute.CallWithRoutes<BuildCall, Input>(in state, null, routes, tokens);
    }

    internal static void Combine(
        RoutingBuffers routes, int tokens, RoutePlan plan, ReadOnlySpan<float> expertRows, int hidden, Span<float> output)
    {
        var state = new Input(plan, expertRows, output, hidden);
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

    internal readonly ref struct Input(RoutePlan plan, ReadOnlySpan<float> expertRows, Span<float> output, int hidden)
    {
        internal readonly RoutePlan Plan = plan;
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
                return NativeMethods.dmoe_plan_build(routes, &plan);
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
                return NativeMethods.dmoe_combine(routes, &plan, &input, &output);
            }
        }
    }
}
