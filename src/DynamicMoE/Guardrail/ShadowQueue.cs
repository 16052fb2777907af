namespace DynamicMoE;

/// <summary>Bounded set of samples between many producers and one consumer: lock-free, allocated once, in no particular order.</summary>
internal sealed class ShadowQueue
{
    private const int Free = 0;
    private const int Writing = 1;
    private const int Ready = 2;

    private readonly Slot[] _slots;
    private int _next;

    internal ShadowQueue(int capacity, int width)
    {
        _slots = new Slot[capacity];
        for (int i = 0; i < capacity; i++)
        {
            _slots[i] = new Slot(width);
        }
    }

    internal int Capacity => _slots.Length;

    /// <summary>Whether a sample waits.</summary>
    internal bool HasReady
    {
        get
        {
            foreach (Slot slot in _slots)
            {
                if (Volatile.Read(ref slot.State) == Ready)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Copies a sample.</summary>
    /// <param name="hidden">Row that went into the layer.</param>
    /// <param name="output">Row that came out.</param>
    /// <param name="generation">Floor changes before the sample.</param>
    /// <returns>False, with nothing copied, when the queue is full.</returns>
    internal bool TryAdd(ReadOnlySpan<float> hidden, ReadOnlySpan<float> output, long generation)
    {
        int start = (Interlocked.Increment(ref _next) & int.MaxValue) % _slots.Length;
        for (int i = 0; i < _slots.Length; i++)
        {
            Slot slot = _slots[(start + i) % _slots.Length];
            if (Volatile.Read(ref slot.State) == Free && Interlocked.CompareExchange(ref slot.State, Writing, Free) == Free)
            {
                hidden.CopyTo(slot.Hidden);
                output.CopyTo(slot.Output);
                slot.Generation = generation;
                Volatile.Write(ref slot.State, Ready);
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes every sample that waits.</summary>
    /// <param name="hidden">[out] <c>[Capacity, width]</c>.</param>
    /// <param name="output">[out] <c>[Capacity, width]</c>.</param>
    /// <param name="generations">[out] <c>[Capacity]</c>.</param>
    /// <returns>Samples taken.</returns>
    internal int TakeAll(Span<float> hidden, Span<float> output, Span<long> generations)
    {
        int taken = 0;
        foreach (Slot slot in _slots)
        {
            if (Volatile.Read(ref slot.State) == Ready)
            {
                int width = slot.Hidden.Length;
                slot.Hidden.CopyTo(hidden[(taken * width)..]);
                slot.Output.CopyTo(output[(taken * width)..]);
                generations[taken++] = slot.Generation;
                Volatile.Write(ref slot.State, Free);
            }
        }

        return taken;
    }

    private sealed class Slot(int width)
    {
        public readonly float[] Hidden = new float[width];
        public readonly float[] Output = new float[width];
        public long Generation;
        public int State;
    }
}
