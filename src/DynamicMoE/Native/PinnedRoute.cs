using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Calls a native function with pinned parameters and pinned routes.</summary>
/// <typeparam name="TState">What the function needs beside them; a struct, so that nothing is allocated.</typeparam>
internal unsafe interface IRouteCall<TState>
    where TState : struct, allows ref struct
{
    /// <summary>Runs the native function.</summary>
    static abstract DmoeStatus Run(in TState state, DmoeRouteParams* parameters, DmoeRoutes* routes, DmoeBatchReport* report);
}

/// <summary>Pins routing parameters and buffers for the length of one native call.</summary>
internal static unsafe class PinnedRoute
{
    internal static RoutingReport Call<TCall, TState>(in TState state, in RouteParams p, RoutingBuffers buffers, int tokens)
        where TCall : IRouteCall<TState>
        where TState : struct, allows ref struct
    {
        fixed (float* scores = p.Scores)
        fixed (int* counts = p.Counts)
        fixed (float* taus = p.TokenTaus)
        fixed (long* positions = p.Positions)
        fixed (float* bias = p.SelectionBias)
        fixed (byte* mask = p.ExpertMask)
        {
            DmoeRouteParams parameters = Parameters(in p);
            parameters.Scores = scores;
            parameters.Counts = counts;
            parameters.TokenTaus = taus;
            parameters.Positions = positions;
            parameters.SelectionBias = bias;
            parameters.ExpertMask = mask;
            return CallWithRoutes<TCall, TState>(in state, &parameters, buffers, tokens);
        }
    }

    internal static RoutingReport CallWithRoutes<TCall, TState>(
        in TState state, DmoeRouteParams* parameters, RoutingBuffers buffers, int tokens)
        where TCall : IRouteCall<TState>
        where TState : struct, allows ref struct
    {
        fixed (int* ids = buffers.ExpertIndices)
        fixed (float* weights = buffers.ExpertWeights)
        fixed (int* used = buffers.ExpertsPerToken)
        fixed (float* complexity = buffers.ComplexityScores)
        fixed (float* logits = buffers.RouterLogits)
        fixed (float* gaps = buffers.Gaps)
        fixed (long* expertRoutes = buffers.ExpertRoutes)
        {
            DmoeRoutes routes = DmoeRoutes.Create();
            routes.Slots = buffers.Slots;
            routes.Tokens = tokens;
            routes.Ids = ids;
            routes.Weights = weights;
            routes.Counts = used;
            routes.Scores = complexity;
            routes.Logits = logits;
            routes.Gaps = gaps;
            routes.ExpertRoutes = expertRoutes;
            DmoeBatchReport report = DmoeBatchReport.Create();
            NativeStatus.ThrowIfFailed(TCall.Run(in state, parameters, &routes, &report));
            return Views.Report(in report);
        }
    }

    private static DmoeRouteParams Parameters(in RouteParams p)
    {
        DmoeRouteParams native = DmoeRouteParams.Create();
        native.Strategy = (int)p.Strategy;
        native.Weighting = (int)p.Weighting;
        native.MinExperts = p.MinExperts;
        native.MaxExperts = p.MaxExperts;
        native.ScoreSource = (int)p.ScoreSource;
        native.CountOffset = p.CountOffset;
        native.Tau = p.Tau;
        native.TopP = p.TopP;
        native.NoiseFactor = p.NoiseFactor;
        native.NoiseSeed = p.NoiseSeed;
        return native;
    }
}
