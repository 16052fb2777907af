namespace DynamicMoE;

/// <summary>
/// Selection bias that evens out load without an auxiliary loss: after each batch an expert with more than the mean number of routes
/// loses one step, one with fewer gains one; the bias stays within a bound and is used for choosing only, never for weights.
/// </summary>
/// <remarks>Small batches are gathered first: one token uses a few experts, which says nothing about the others. Readers never wait: a
/// sequence number that is odd while the bias changes tells them to read again.</remarks>
internal sealed class LoadBalancer(int experts, float step, float bound)
{
    private const int RoutesPerExpert = 4;

    private readonly Lock _writer = new();
    private readonly float[] _bias = new float[experts];
    private readonly long[] _gathered = new long[experts];
    private long _total;
    private int _sequence;

    /// <summary>Adds the current bias to <paramref name="fixedBias"/> (or to zeros when that is empty).</summary>
    internal void Read(ReadOnlySpan<float> fixedBias, Span<float> destination)
    {
        var wait = default(SpinWait);
        while (true)
        {
            int before = Volatile.Read(ref _sequence);
            if ((before & 1) == 0)
            {
                for (int expert = 0; expert < _bias.Length; expert++)
                {
                    destination[expert] = Volatile.Read(ref _bias[expert]) + (fixedBias.IsEmpty ? 0 : fixedBias[expert]);
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

    internal void Update(ReadOnlySpan<long> routes)
    {
        lock (_writer)
        {
            for (int expert = 0; expert < _bias.Length; expert++)
            {
                _gathered[expert] += routes[expert];
                _total += routes[expert];
            }

            if (_total >= RoutesPerExpert * _bias.Length)
            {
                Step();
            }
        }
    }

    private void Step()
    {
        Interlocked.Increment(ref _sequence);
        for (int expert = 0; expert < _bias.Length; expert++)
        {
            // Sign of mean - load, in integers so that an even load never drifts.
            int direction = Math.Sign(_total - _gathered[expert] * _bias.Length);
            Volatile.Write(ref _bias[expert], Math.Clamp(_bias[expert] + direction * step, -bound, bound));
        }

        Interlocked.Increment(ref _sequence);
        Array.Clear(_gathered);
        _total = 0;
    }
}
