using DynamicMoE.Bindings;
using DynamicMoE.Native;
using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <summary>A layer of the native library: on the processor, and where the options ask for it a copy on a device, which then computes.</summary>
internal sealed class NativeLayer : IDisposable
{
    private readonly LayerHandle _processor;
    private readonly DeviceCopy? _copy;
    private readonly bool _asked;
    private readonly bool _fallBack;
    private readonly ILogger? _logger;
    private volatile string _reason;
    private volatile bool _left;

    internal NativeLayer(RouterHandle router, ExpertBank experts, MoELayerOptions options, ILogger? logger)
    {
        _logger = logger;
        _processor = LayerCalls.Create(
            options.MaxTokens, options.Threads, router, experts.Handle, options.SharedExperts?.Handle, options.SharedExpertGate);
        _asked = options.CudaDevice is not null || options.Device.Kind == ComputeDeviceKind.Cuda;
        _fallBack = options.FallBackToCpu || options.Device.Kind == ComputeDeviceKind.Auto;
        try
        {
            (_copy, _reason) = DeviceCopy.Of(_processor, options, _fallBack);
        }
        catch
        {
            _processor.Dispose();
            throw;
        }
    }

    /// <summary>Where calls run now.</summary>
    internal ComputeDevice Device => Current is { } copy ? ComputeDevice.Cuda(copy.Device.Info.Index) : ComputeDevice.Cpu;

    /// <summary>Why there; one sentence.</summary>
    internal string Reason => _reason;

    /// <summary>Whether a device was asked for and the processor computes.</summary>
    internal bool HasLeft => _left || (_asked && _copy is null);

    /// <summary>The copy that computes; null when the processor does.</summary>
    internal DeviceCopy? Current => _left ? null : _copy;

    internal RoutingReport Forward(
        ReadOnlySpan<float> hidden, int tokens, int inputDim, in RouteParams p, CapacityLimit? limit, RoutingBuffers buffers, Span<float> output)
    {
        if (Current is { } copy)
        {
            try
            {
                return DeviceLayerCalls.Forward(copy.Handle, hidden, tokens, inputDim, in p, limit, buffers, output);
            }
            catch (Exception error) when (MayLeave(error))
            {
                Leave(error);
            }
        }

        return LayerCalls.Forward(_processor, hidden, tokens, inputDim, in p, limit, buffers, output);
    }

    internal RoutingReport Execute(ReadOnlySpan<float> hidden, int tokens, int inputDim, RoutingBuffers buffers, Span<float> output)
    {
        if (Current is { } copy)
        {
            try
            {
                return DeviceLayerCalls.Execute(copy.Handle, hidden, tokens, inputDim, buffers, output);
            }
            catch (Exception error) when (MayLeave(error))
            {
                Leave(error);
            }
        }

        return LayerCalls.Execute(_processor, hidden, tokens, inputDim, buffers, output);
    }

    /// <summary>Hears of a call on device memory that failed.</summary>
    internal void Failed(Exception error)
    {
        if (MayLeave(error))
        {
            Leave(error);
        }
    }

    /// <summary>Asks the device whether it answers; a layer that may falls back where it does not.</summary>
    internal void CheckDevice()
    {
        try
        {
            Current?.Device.CheckHealth();
        }
        catch (Exception error) when (MayLeave(error))
        {
            Leave(error);
        }
    }

    public void Dispose()
    {
        _copy?.Dispose();
        _processor.Dispose();
    }

    private bool MayLeave(Exception error) => _fallBack && error is (BackendException or InsufficientDeviceMemoryException);

    // Memory may be free again for the next call, and so may be what a call stumbled over; a device that does not answer stays so.
    private void Leave(Exception error)
    {
        if (error is BackendException && !Answers())
        {
            _left = true;
            _reason = $"The device failed, the processor goes on: {error.Message}";
        }

        if (_logger is not null)
        {
            Log.DeviceLeft(_logger, error.Message);
        }
    }

    private bool Answers()
    {
        try
        {
            _copy!.Device.CheckHealth();
            return true;
        }
        catch (DynamicMoEException)
        {
            return false;
        }
    }
}
