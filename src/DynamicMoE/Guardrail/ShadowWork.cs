namespace DynamicMoE;

/// <summary>A place under a guardrail that takes samples and compares them later, off the hot path. Derive from it to watch something else than layers.</summary>
public abstract class ShadowWork : IDisposable
{
    private readonly Lock _running = new();
    private readonly Item _item;
    private int _scheduled;
    private volatile bool _closed;

    /// <summary>Makes a place; <see cref="Open"/> puts it under the guardrail.</summary>
    /// <param name="guardrail">The guardrail; not owned.</param>
    /// <exception cref="ArgumentNullException"><paramref name="guardrail"/> is null.</exception>
    protected ShadowWork(ShadowGuardrail guardrail)
    {
        ArgumentNullException.ThrowIfNull(guardrail);
        Guardrail = guardrail;
        _item = new Item(this);
    }

    /// <summary>The guardrail.</summary>
    protected ShadowGuardrail Guardrail { get; }

    /// <summary>Whether the place was disposed: it takes no samples any more.</summary>
    protected bool IsClosed => _closed;

    /// <summary>Whether samples wait.</summary>
    protected abstract bool HasPending { get; }

    /// <summary>Takes the place from under the guardrail and waits for a comparison in progress. A second call does nothing.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Compares the samples that wait, on the calling thread. One thread at a time.</summary>
    internal void RunPending()
    {
        lock (_running)
        {
            if (!_closed)
            {
                Run();
            }
        }
    }

    /// <summary>Compares the samples that wait. Must not throw: nobody would see it.</summary>
    protected abstract void Run();

    /// <summary>Puts the place under the guardrail. Call it at the end of the constructor.</summary>
    protected void Open() => Guardrail.Add(this);

    /// <summary>Has what waits run on the thread pool, unless the guardrail's options say otherwise. Call it after a sample was added.</summary>
    protected void Schedule()
    {
        if (Guardrail.Options.RunInBackground && Interlocked.Exchange(ref _scheduled, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_item, preferLocal: false);
        }
    }

    /// <summary>Frees what the place holds.</summary>
    /// <param name="disposing">Whether <see cref="Dispose()"/> calls it.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing && !_closed)
        {
            _closed = true;
            lock (_running)
            {
                // What a comparison in progress uses may be freed after this.
                Guardrail.Remove(this);
            }
        }
    }

    // Never two at a time: whoever adds a sample queues this only when it is neither queued nor running.
    private sealed class Item(ShadowWork work) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            do
            {
                work.RunPending();
                Volatile.Write(ref work._scheduled, 0);
            }
            while (!work._closed && work.HasPending && Interlocked.Exchange(ref work._scheduled, 1) == 0);
        }
    }
}
