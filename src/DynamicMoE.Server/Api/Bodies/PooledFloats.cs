using System.Buffers;

namespace DynamicMoE.Server;

/// <summary>Values that grow as they are read, in an array of the shared pool.</summary>
internal sealed class PooledFloats
{
    private const int FirstValues = 1 << 8;

    private float[] _array;

    /// <param name="expected">How many there may be; the first array has no more, whatever is announced.</param>
    /// <param name="most">Values of the first array at most.</param>
    public PooledFloats(long expected = FirstValues, int most = 1 << 18) => _array = ArrayPool<float>.Shared.Rent((int)Math.Clamp(expected, 1, most));

    public int Count { get; private set; }

    public ReadOnlyMemory<float> Memory => _array.AsMemory(0, Count);

    public Span<float> Span => _array.AsSpan(0, Count);

    public void Add(float value)
    {
        if (Count == _array.Length)
        {
            Grow(Count + 1L);
        }

        _array[Count++] = value;
    }

    /// <summary>Makes room for values and returns it; they count from now on.</summary>
    public Span<float> Extend(int values)
    {
        if (Count + (long)values > _array.Length)
        {
            Grow(Count + (long)values);
        }

        Span<float> room = _array.AsSpan(Count, values);
        Count += values;
        return room;
    }

    /// <summary>Gives the array back. Not to be called while anybody may read <see cref="Memory"/>; a forgotten array is only garbage.</summary>
    public void Return()
    {
        float[] array = Interlocked.Exchange(ref _array, []);
        Count = 0;
        if (array.Length > 0)
        {
            ArrayPool<float>.Shared.Return(array);
        }
    }

    private void Grow(long needed)
    {
        float[] larger = ArrayPool<float>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max(needed, 2L * _array.Length)));
        Span.CopyTo(larger);
        ArrayPool<float>.Shared.Return(_array);
        _array = larger;
    }
}
