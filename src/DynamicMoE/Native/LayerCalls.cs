using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls on layers.</summary>
internal static unsafe class LayerCalls
{
    internal static LayerHandle Create(
        int maxTokens, int threads, RouterHandle router, ExpertsHandle experts, ExpertsHandle? shared, ReadOnlySpan<float> sharedGate)
    {
        DmoeLayerOptions options = DmoeLayerOptions.Create();
        options.MaxTokens = maxTokens;
        options.Threads = threads;
        bool held = false, sharedHeld = false;
        try
        {
            // The layer keeps the native objects alive by itself. The handles must outlive this call, and the mappings that
            // they keep until the layer keeps them too: another thread may dispose a bank meanwhile.
            experts.DangerousAddRef(ref held);
            if (shared is not null)
            {
                shared.DangerousAddRef(ref sharedHeld);
                options.Shared = shared.DangerousGetHandle();
            }

            fixed (float* gate = sharedGate)
            {
                options.SharedGate = gate;
                NativeStatus.ThrowIfFailed(NativeMethods.dmoe_layer_create(&options, router, experts, out LayerHandle layer));
                foreach (SafeHandle memory in experts.Kept.Concat(shared?.Kept ?? []))
                {
                    layer.Keep(memory);
                }

                return layer;
            }
        }
        finally
        {
            if (sharedHeld)
            {
                shared!.DangerousRelease();
            }

            if (held)
            {
                experts.DangerousRelease();
            }
        }
    }

    /// <summary>Routes and runs a batch in one native call.</summary>
    internal static RoutingReport Forward(
        LayerHandle layer, ReadOnlySpan<float> hidden, int tokens, int inputDim, in RouteParams p, CapacityLimit? limit,
        RoutingBuffers buffers, Span<float> output)
    {
        var state = new Input(layer, hidden, output, tokens, inputDim, limit, p.MaxDistinct);
        return PinnedRoute.Call<ForwardCall, Input>(in state, in p, buffers, tokens);
    }

    /// <summary>Goes the way of <see cref="Forward"/> to a native function that returns at once: what the way costs.</summary>
    internal static RoutingReport Noop(
        LayerHandle layer, ReadOnlySpan<float> hidden, int tokens, int inputDim, in RouteParams p, CapacityLimit? limit,
        RoutingBuffers buffers, Span<float> output)
    {
        var state = new Input(layer, hidden, output, tokens, inputDim, limit, p.MaxDistinct);
        return PinnedRoute.Call<NoopCall, Input>(in state, in p, buffers, tokens);
    }

    /// <summary>Runs the experts on given routes.</summary>
    internal static RoutingReport Execute(
        LayerHandle layer, ReadOnlySpan<float> hidden, int tokens, int inputDim, RoutingBuffers buffers, Span<float> output)
    {
        var state = new Input(layer, hidden, output, tokens, inputDim, null, 0);
        return PinnedRoute.CallWithRoutes<ExecuteCall, Input>(in state, null, buffers, tokens);
    }

    internal static DmoeLayerParams Limits(CapacityLimit? limit, int maxDistinct)
    {
        DmoeLayerParams native = DmoeLayerParams.Create();
        native.CapacityFactor = limit?.Factor ?? 0;
        native.Overflow = (int)(limit?.Overflow ?? OverflowPolicy.Drop);
        native.MaxDistinct = maxDistinct;
        return native;
    }

    // Inlined, so that each of the two pays for its own function alone.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static DmoeStatus Whole(in Input state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report, bool noop)
    {
        fixed (float* rows = state.Hidden)
        fixed (float* result = state.Output)
        {
            DmoeMatrixF32 hidden = Views.Input(rows, state.Tokens, state.InputDim);
            DmoeOutputF32 output = Views.Output(result, state.Tokens, state.InputDim);
            DmoeLayerParams native = Limits(state.Limit, state.MaxDistinct);
            DmoeLayerParams* limits = state.Limited ? &native : null;
            return noop
                ? NativeMethods.dmoe_layer_noop(state.Layer, &hidden, parameters, limits, routes, &output, report)
                : NativeMethods.dmoe_layer_forward(state.Layer, &hidden, parameters, limits, routes, &output, report);
        }
    }

    internal readonly ref struct Input(
        LayerHandle layer, ReadOnlySpan<float> hidden, Span<float> output, int tokens, int inputDim, CapacityLimit? limit, int maxDistinct)
    {
        internal readonly LayerHandle Layer = layer;
        internal readonly ReadOnlySpan<float> Hidden = hidden;
        internal readonly Span<float> Output = output;
        internal readonly int Tokens = tokens;
        internal readonly int InputDim = inputDim;
        internal readonly CapacityLimit? Limit = limit;
        internal readonly int MaxDistinct = maxDistinct;

        internal bool Limited => Limit is not null || MaxDistinct > 0;
    }

    internal readonly struct ForwardCall : IRouteCall<Input>
    {
        public static DmoeStatus Run(in Input state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report) =>
            Whole(in state, parameters, routes, report, noop: false);
    }

    internal readonly struct NoopCall : IRouteCall<Input>
    {
        public static DmoeStatus Run(in Input state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report) =>
            Whole(in state, parameters, routes, report, noop: true);
    }

    internal readonly struct ExecuteCall : IRouteCall<Input>
    {
        public static DmoeStatus Run(in Input state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report)
        {
            fixed (float* rows = state.Hidden)
            fixed (float* result = state.Output)
            {
                DmoeMatrixF32 hidden = Views.Input(rows, state.Tokens, state.InputDim);
                DmoeOutputF32 output = Views.Output(result, state.Tokens, state.InputDim);
                return NativeMethods.dmoe_layer_execute(state.Layer, &hidden, routes, &output, report);
            }
        }
    }
}
