namespace DynamicMoE;

/// <summary>Calls of a sliding window in slots of equal time. Allocates nothing after construction. Not thread-safe.</summary>
internal sealed class LoadWindow
{
    private readonly LatencyHistogram _latency;
    private readonly Slot[] _slots;
    private Slot _sum;
    private int _current;

    /// <param name="slots">Slots, the one that is being filled included; at least 2.</param>
    internal LoadWindow(int slots)
    {
        _latency = new LatencyHistogram(slots);
        _slots = new Slot[slots];
    }

    internal int Count => _latency.Count;

    internal long Tokens => _sum.Tokens;

    /// <summary>Seconds of all calls.</summary>
    internal double Busy => _sum.Busy;

    /// <summary>Mean of the queue's samples; 0 without any.</summary>
    internal double Queue => _sum.QueueSamples == 0 ? 0 : _sum.Queue / _sum.QueueSamples;

    /// <summary>Whole slots in it since it was cleared.</summary>
    internal int Filled { get; private set; }

    internal double Quantile(double share) => _latency.Quantile(share);

    internal void Add(double seconds, int tokens)
    {
        _latency.Add(seconds);
        _slots[_current].Busy += seconds;
        _slots[_current].Tokens += tokens;
        _sum.Busy += seconds;
        _sum.Tokens += tokens;
    }

    internal void AddQueue(double depth)
    {
        _slots[_current].Queue += depth;
        _slots[_current].QueueSamples++;
        _sum.Queue += depth;
        _sum.QueueSamples++;
    }

    /// <summary>Begins the next slot; the oldest is forgotten.</summary>
    internal void Rotate()
    {
        _latency.Rotate();
        _current = (_current + 1) % _slots.Length;
        _slots[_current] = default;
        Filled = Math.Min(Filled + 1, _slots.Length - 1);

        // Added up anew: differences of floating-point sums would drift.
        _sum = default;
        foreach (Slot slot in _slots)
        {
            _sum.Busy += slot.Busy;
            _sum.Tokens += slot.Tokens;
            _sum.Queue += slot.Queue;
            _sum.QueueSamples += slot.QueueSamples;
        }
    }

    internal void Clear()
    {
        _latency.Clear();
        Array.Clear(_slots);
        _sum = default;
        Filled = 0;
    }

    private struct Slot
    {
        internal double Busy;
        internal long Tokens;
        internal double Queue;
        internal int QueueSamples;
    }
}
