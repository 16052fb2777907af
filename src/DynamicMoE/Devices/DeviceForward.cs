namespace DynamicMoE;

/// <summary>A batch in device memory for <see cref="MoELayer.ForwardAsync"/>. Addresses are the driver's (CUdeviceptr), of any owner of memory in the
/// device's primary context: <see cref="DeviceBuffer.Address"/>, or <c>(nint)(ulong)CudaDeviceVariable.DevicePointer.Pointer</c> of ManagedCuda. They must stay valid until the
/// call has ended.</summary>
public sealed class DeviceForward
{
    /// <summary>Rows, at least 1.</summary>
    public required int Tokens { get; init; }

    /// <summary>Hidden states, <c>[tokens, InputDim]</c> float32, rows <see cref="HiddenStride"/> apart.</summary>
    public required nint Hidden { get; init; }

    /// <summary>[out] <c>[tokens, InputDim]</c> float32, rows <see cref="OutputStride"/> apart; must not overlap the input.</summary>
    public required nint Output { get; init; }

    /// <summary>Elements between rows of <see cref="Hidden"/>.</summary>
    /// <value>At least InputDim; 0, the default, is InputDim.</value>
    public long HiddenStride { get; init; }

    /// <summary>Elements between rows of <see cref="Output"/>.</summary>
    /// <value>At least InputDim; 0, the default, is InputDim.</value>
    public long OutputStride { get; init; }

    /// <summary>Stream (CUstream) in whose order the batch runs: after what was handed to it before, ahead of what follows.</summary>
    /// <value><see cref="DeviceStream.Handle"/> or the driver's; 0, the default, is a stream of the library's, after what the legacy default stream holds. A stream that is being captured is refused.</value>
    public nint Stream { get; init; }

    /// <summary>[out] Host memory for the decisions, filled before the call's task ends.</summary>
    /// <value>The default is null: they are not wanted.</value>
    public RoutingBuffers? Routing { get; init; }
}
