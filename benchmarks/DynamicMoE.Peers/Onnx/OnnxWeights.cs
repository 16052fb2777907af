using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DynamicMoE.Peers.Onnx;

/// <summary>One tensor of weights in memory of ONNX Runtime's own allocator, which is aligned as its kernels like it.</summary>
internal sealed class OnnxWeights : IDisposable
{
    private readonly OrtMemoryAllocation _memory;

    /// <exception cref="PeerRefusedException">The tensor is too large for the .NET API.</exception>
    public OnnxWeights(OnnxTensor tensor)
    {
        long bytes = tensor.Elements * (tensor.Type == OnnxType.Float ? sizeof(float) : sizeof(byte));
        if (tensor.Elements > int.MaxValue || bytes > uint.MaxValue)
        {
            throw new PeerRefusedException($"tensor {tensor.Name} has {tensor.Elements} elements, the .NET API takes {int.MaxValue} and 4 GiB");
        }

        Tensor = tensor;
        _memory = OrtAllocator.DefaultInstance.Allocate((uint)bytes);
        Value = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance,
            tensor.Type == OnnxType.Float ? TensorElementType.Float : TensorElementType.UInt8,
            tensor.Shape,
            _memory.DangerousGetHandle(),
            bytes);
    }

    public OnnxTensor Tensor { get; }

    public OrtValue Value { get; }

    /// <summary>One row of the last dimension.</summary>
    public Span<T> Row<T>(long row)
        where T : unmanaged
    {
        var columns = (int)Tensor.Shape[^1];
        return Value.GetTensorMutableDataAsSpan<T>().Slice((int)(row * columns), columns);
    }

    public void Dispose()
    {
        Value.Dispose();
        _memory.Dispose();
    }
}
