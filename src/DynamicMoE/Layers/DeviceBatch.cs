using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>One asynchronous batch on a device: what it decides there, and the copy of it that the router learns from.</summary>
internal sealed class DeviceBatch : IDisposable
{
    private readonly DynamicRouter _router;
    private readonly DeviceForward _forward;
    private readonly RouteScratch _scratch;
    private readonly DeviceBuffer _decisions;
    private readonly DeviceCompletion _completion;
    private readonly RoutingBuffers _routing;
    private readonly byte[] _mask;

    private DeviceBatch(DeviceCopy copy, DynamicRouter router, DeviceForward forward, RoutingContext? context, RouteScratch scratch)
    {
        _router = router;
        _forward = forward;
        _scratch = scratch;
        _routing = forward.Routing ?? scratch.Routing(router, forward.Tokens, withLogits: false);
        _routing.RequireFit(router, forward.Tokens);
        RouteParams parameters = router.PrepareOnDevice(forward.Tokens, context, scratch);
        _mask = parameters.ExpertMask.ToArray();
        var places = new Places(forward.Tokens, _routing.Slots, _routing.HasLogits ? router.NumExperts : 0);
        _decisions = copy.Device.AllocateForLayer(places.Bytes);
        try
        {
            DmoeDeviceForward native = Native(places);
            _completion = DeviceLayerCalls.Start(copy.Handle, in native, in parameters, forward.Stream);
        }
        catch
        {
            _decisions.Dispose();
            throw;
        }
    }

    /// <summary>Begins a batch.</summary>
    internal static DeviceBatch Start(DeviceCopy copy, DynamicRouter router, DeviceForward forward, RoutingContext? context, RouteScratch scratch) =>
        new(copy, router, forward, context, scratch);

    /// <summary>Waits for the end, takes the decisions to the host and lets the router learn.</summary>
    internal async Task<RoutingReport> FinishAsync(RoutingContext? context)
    {
        await _completion.Ended().ConfigureAwait(false);
        RoutingReport report = _completion.Report();
        Download();
        Count();
        _router.Commit(new RouteParams { ExpertMask = _mask }, _scratch, _forward.Tokens, _routing, context);
        return report;
    }

    public void Dispose()
    {
        // Waits for the call where it has not ended: the memory below is in use until then.
        _completion.Dispose();
        _decisions.Dispose();
    }

    private DmoeDeviceForward Native(Places places)
    {
        ulong at = (ulong)_decisions.Address;
        DmoeDeviceForward native = DmoeDeviceForward.Create();
        native.Slots = _routing.Slots;
        native.Tokens = _forward.Tokens;
        native.HiddenStride = _forward.HiddenStride == 0 ? _router.InputDim : _forward.HiddenStride;
        native.OutputStride = _forward.OutputStride == 0 ? _router.InputDim : _forward.OutputStride;
        native.Hidden = (ulong)_forward.Hidden;
        native.Output = (ulong)_forward.Output;
        native.Ids = at;
        native.Weights = at + (ulong)places.Weights;
        native.Gaps = at + (ulong)places.Gaps;
        native.Counts = at + (ulong)places.Counts;
        native.Scores = at + (ulong)places.Scores;
        native.Logits = _routing.HasLogits ? at + (ulong)places.Logits : 0;
        return native;
    }

    private void Download()
    {
        int tokens = _forward.Tokens, cells = tokens * _routing.Slots;
        var places = new Places(tokens, _routing.Slots, _routing.HasLogits ? _router.NumExperts : 0);
        _decisions.CopyTo(0, _routing.ExpertIndices.AsSpan(0, cells));
        _decisions.CopyTo(places.Weights, _routing.ExpertWeights.AsSpan(0, cells));
        _decisions.CopyTo(places.Gaps, _routing.Gaps.AsSpan(0, cells));
        _decisions.CopyTo(places.Counts, _routing.ExpertsPerToken.AsSpan(0, tokens));
        _decisions.CopyTo(places.Scores, _routing.ComplexityScores.AsSpan(0, tokens));
        if (_routing.HasLogits)
        {
            _decisions.CopyTo(places.Logits, _routing.RouterLogits.AsSpan(0, tokens * _router.NumExperts));
        }
    }

    private void Count()
    {
        Array.Clear(_routing.ExpertRoutes);
        foreach (int expert in _routing.ExpertIndices.AsSpan(0, _forward.Tokens * _routing.Slots))
        {
            if (expert >= 0)
            {
                _routing.ExpertRoutes[expert]++;
            }
        }
    }

    /// <summary>Where the arrays of decisions begin in their memory: ids first, each of 4-byte elements.</summary>
    private readonly struct Places(int tokens, int slots, int logits)
    {
        private readonly long _cells = (long)tokens * slots * sizeof(float);
        private readonly long _rows = (long)tokens * sizeof(float);

        internal long Weights => _cells;

        internal long Gaps => 2 * _cells;

        internal long Counts => 3 * _cells;

        internal long Scores => Counts + _rows;

        internal long Logits => Scores + _rows;

        internal long Bytes => Logits + (_rows * logits);
    }
}
