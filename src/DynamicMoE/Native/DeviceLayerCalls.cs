using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls on a layer's copy on a device.</summary>
internal static unsafe class DeviceLayerCalls
{
    // The decisions of an asynchronous call go to device memory.
    private static readonly RoutingBuffers NoRoutes = new(1, 1, 1, withLogits: false);

    internal static DeviceLayerHandle Create(DeviceHandle device, LayerHandle layer, bool graphs)
    {
        DmoeDeviceLayerOptions options = DmoeDeviceLayerOptions.Create();
        options.Graphs = graphs ? 1 : 0;
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_layer_create(device, layer, &options, out DeviceLayerHandle copy));
        return copy;
    }

    /// <summary>Routes and runs a batch in host memory.</summary>
    internal static RoutingReport Forward(
        DeviceLayerHandle layer, ReadOnlySpan<float> hidden, int tokens, int inputDim, in RouteParams p, CapacityLimit? limit,
        RoutingBuffers buffers, Span<float> output)
    {
        var state = new Input(layer, hidden, output, tokens, inputDim, limit, p.MaxDistinct);
        return PinnedRoute.Call<ForwardCall, Input>(in state, in p, buffers, tokens);
    }

    /// <summary>Runs the experts on given routes in host memory.</summary>
    internal static RoutingReport Execute(
        DeviceLayerHandle layer, ReadOnlySpan<float> hidden, int tokens, int inputDim, RoutingBuffers buffers, Span<float> output)
    {
        var state = new Input(layer, hidden, output, tokens, inputDim, null, 0);
        return PinnedRoute.CallWithRoutes<ExecuteCall, Input>(in state, null, buffers, tokens);
    }

    /// <summary>Begins a batch in device memory.</summary>
    internal static DeviceCompletion Start(DeviceLayerHandle layer, in DmoeDeviceForward forward, in RouteParams p, nint stream)
    {
        CompletionHandle? completion = null;
        var state = new StartInput(layer, in forward, stream, ref completion);
        _ = PinnedRoute.Call<StartCall, StartInput>(in state, in p, NoRoutes, 0);
        return new DeviceCompletion(completion!);
    }

    private readonly ref struct Input(
        DeviceLayerHandle layer, ReadOnlySpan<float> hidden, Span<float> output, int tokens, int inputDim, CapacityLimit? limit, int maxDistinct)
    {
        internal readonly DeviceLayerHandle Layer = layer;
        internal readonly ReadOnlySpan<float> Hidden = hidden;
        internal readonly Span<float> Output = output;
        internal readonly int Tokens = tokens;
        internal readonly int InputDim = inputDim;
        internal readonly CapacityLimit? Limit = limit;
        internal readonly int MaxDistinct = maxDistinct;

        internal bool Limited => Limit is not null || MaxDistinct > 0;
    }

    private readonly struct ForwardCall : IRouteCall<Input>
    {
        public static DmoeStatus Run(in Input state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report)
        {
            fixed (float* rows = state.Hidden)
            fixed (float* result = state.Output)
            {
                DmoeMatrixF32 hidden = Views.Input(rows, state.Tokens, state.InputDim);
                DmoeOutputF32 output = Views.Output(result, state.Tokens, state.InputDim);
                DmoeLayerParams limits = LayerCalls.Limits(state.Limit, state.MaxDistinct);
                return NativeMethods.dmoe_device_layer_forward(
                    state.Layer, &hidden, parameters, state.Limited ? &limits : null, routes, &output, report);
            }
        }
    }

    private readonly struct ExecuteCall : IRouteCall<Input>
    {
        public static DmoeStatus Run(in Input state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report)
        {
            fixed (float* rows = state.Hidden)
            fixed (float* result = state.Output)
            {
                DmoeMatrixF32 hidden = Views.Input(rows, state.Tokens, state.InputDim);
                DmoeOutputF32 output = Views.Output(result, state.Tokens, state.InputDim);
                return NativeMethods.dmoe_device_layer_execute(state.Layer, &hidden, routes, &output, report);
            }
        }
    }

    private readonly ref struct StartInput
    {
        internal readonly DeviceLayerHandle Layer;
        internal readonly DmoeDeviceForward Forward;
        internal readonly nint Stream;
        internal readonly ref CompletionHandle? Completion;

        internal StartInput(DeviceLayerHandle layer, in DmoeDeviceForward forward, nint stream, ref CompletionHandle? completion)
        {
            Layer = layer;
            Forward = forward;
            Stream = stream;
            Completion = ref completion;
        }
    }

    private readonly struct StartCall : IRouteCall<StartInput>
    {
        public static DmoeStatus Run(in StartInput state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report)
        {
            DmoeDeviceForward forward = state.Forward;
            DmoeStatus status = NativeMethods.dmoe_device_layer_forward_async(
                state.Layer, &forward, parameters, (void*)state.Stream, out CompletionHandle completion);
            state.Completion = completion;
            return status;
        }
    }
}
