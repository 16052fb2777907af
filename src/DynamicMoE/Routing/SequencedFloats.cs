namespace DynamicMoE;

/// <summary>An array that one writer at a time changes as a whole. Readers never wait for a lock: a sequence number that is odd while the
/// array changes tells them to read again.</summary>
internal sealed class SequencedFloats(int length)
{
    private readonly float[] _values = new float[length];
    private int _sequence;

    internal void Read(Span<float> destination)
    {
        var wait = default(SpinWait);
        while (true)
        {
            int before = Volatile.Read(ref _sequence);
            if ((before & 1) == 0)
            {
                for (int i = 0; i < _values.Length; i++)
                {
                    destination[i] = Volatile.Read(ref _values[i]);
                }

                Interlocked.MemoryBarrier();
                if (Volatile.Read(ref _sequence) == before)
                {
                    return;
                }
            }

            wait.SpinOnce();
        }
    }

    /// <summary>Puts new values in place. Callers take turns.</summary>
    internal void Write(ReadOnlySpan<float> values)
    {
        Interlocked.Increment(ref _sequence);
        for (int i = 0; i < _values.Length; i++)
        {
            Volatile.Write(ref _values[i], values[i]);
        }

        Interlocked.Increment(ref _sequence);
    }
}
