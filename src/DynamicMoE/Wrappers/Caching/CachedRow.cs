using System.Runtime.InteropServices;

namespace DynamicMoE;

/// <summary>
/// A row and what is known of it. The call that finds it missing puts it into the cache before it computes it, so that other calls wait instead of
/// computing it too; <see cref="Publish"/> or <see cref="Fail"/> ends their wait, exactly once.
/// </summary>
internal sealed class CachedRow
{
    private const int Pending = 0;
    private const int Ready = 1;
    private const int Failed = 2;
    private const int SpinsBeforeSleep = 20;

    private readonly float[] _values;
    private readonly int _columns;
    private int _state;
    private bool _awaited;

    /// <param name="key">The row's.</param>
    /// <param name="row">Copied.</param>
    /// <param name="experts">Logits to make room for; 0 for a row that is only counted.</param>
    /// <param name="now">Timestamp.</param>
    internal CachedRow(RowKey key, ReadOnlySpan<float> row, int experts, long now)
    {
        Key = key;
        Since = now;
        _columns = row.Length;
        _values = GC.AllocateUninitializedArray<float>(row.Length + experts);
        row.CopyTo(_values);
    }

    internal RowKey Key { get; }

    /// <summary>Timestamp from which its time counts.</summary>
    internal long Since { get; }

    /// <summary>Window in which it was last found. Races only miscount.</summary>
    internal int FoundIn { get; set; }

    /// <summary>The estimator's raw value, where it has one of the row alone.</summary>
    internal float Raw { get; private set; }

    internal bool IsReady => Volatile.Read(ref _state) == Ready;

    /// <summary>Valid once <see cref="IsReady"/>.</summary>
    internal ReadOnlySpan<float> Logits => _values.AsSpan(_columns);

    /// <summary>Whether it is this row to the last bit.</summary>
    internal bool Holds(ReadOnlySpan<float> row) => MemoryMarshal.AsBytes(row).SequenceEqual(MemoryMarshal.AsBytes(_values.AsSpan(0, _columns)));

    internal void Publish(ReadOnlySpan<float> logits, float raw)
    {
        logits.CopyTo(_values.AsSpan(_columns));
        Raw = raw;
        Finish(Ready);
    }

    internal void Fail() => Finish(Failed);

    /// <summary>Waits until the call that computes it has ended.</summary>
    /// <returns>Whether it is ready.</returns>
    internal bool Wait()
    {
        var spin = default(SpinWait);
        for (int i = 0; i < SpinsBeforeSleep && Volatile.Read(ref _state) == Pending; i++)
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }

        if (Volatile.Read(ref _state) == Pending)
        {
            lock (this)
            {
                // Either this is seen by the one who finishes, or the new state here: full fences stand between write and read on both sides.
                _awaited = true;
                Interlocked.MemoryBarrier();
                while (Volatile.Read(ref _state) == Pending)
                {
                    Monitor.Wait(this);
                }
            }
        }

        return IsReady;
    }

    private void Finish(int state)
    {
        Interlocked.Exchange(ref _state, state);
        if (Volatile.Read(ref _awaited))
        {
            lock (this)
            {
                Monitor.PulseAll(this);
            }
        }
    }
}
