namespace DynamicMoE.Models;

/// <summary>Arrays that tensors pass through on their way into packed weights, reused from tensor to tensor.</summary>
internal sealed class TensorBuffers
{
    private float[] _floats = [];
    private ushort[] _bits = [];

    public Span<float> Floats(long count) => Take(ref _floats, count);

    public Span<ushort> Bits(long count) => Take(ref _bits, count);

    private static Span<T> Take<T>(ref T[] array, long count)
    {
        if (array.Length < count)
        {
            // The old array is given up before the new one is made: both at once may not fit.
            array = [];
            array = GC.AllocateUninitializedArray<T>(checked((int)count));
        }

        return array.AsSpan(0, (int)count);
    }
}
