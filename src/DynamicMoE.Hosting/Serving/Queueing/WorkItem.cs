using DynamicMoE.Hosting.Loading;

namespace DynamicMoE.Hosting.Queueing;

/// <summary>A request from its acceptance to its one answer.</summary>
internal abstract class WorkItem
{
    private const int Waiting = 0, Running = 1, Delivering = 2, Ended = 3;

    private int _state;
    private CancellationTokenRegistration _cancellation;
    private CancellationToken _token;
    private Action<WorkItem>? _removed;

    /// <summary>What it takes of the queue's tokens: rows, or prompt and answer at most.</summary>
    public required int Tokens { get; init; }

    /// <summary>When it was accepted, in ticks of the clock.</summary>
    public long Accepted { get; set; }

    /// <summary>What it was accepted for. Whoever takes the item out of the queue gives the use back once it is done.</summary>
    public required ServedModel Model { get; init; }

    /// <summary>Gives back what it holds, once: it is neither in the queue nor run any more.</summary>
    public virtual void Release() => Model.Release();

    /// <summary>Its place in the queue; null outside. Guarded by the queue's lock.</summary>
    public LinkedListNode<WorkItem>? Place { get; set; }

    /// <summary>Whether its caller gave it up, or it ended otherwise.</summary>
    public bool HasEnded => Volatile.Read(ref _state) == Ended;

    /// <summary>Told when the caller gives up, at any time before the answer.</summary>
    /// <param name="removed">Called once if the item ends by it.</param>
    /// <param name="token">The caller's token.</param>
    public void FollowCancellation(Action<WorkItem> removed, CancellationToken token)
    {
        if (!token.CanBeCanceled)
        {
            return;
        }

        (_token, _removed) = (token, removed);
        _cancellation = token.UnsafeRegister(static item => ((WorkItem)item!).Cancel(), this);

        // Either this thread sees the end, or the one that ended it sees the registration.
        Interlocked.MemoryBarrier();
        if (HasEnded)
        {
            _cancellation.Unregister();
        }
    }

    /// <summary>Takes it out of the queue for a batch; false when it has ended.</summary>
    public bool TryBegin() => Interlocked.CompareExchange(ref _state, Running, Waiting) == Waiting;

    /// <summary>From here on a cancellation waits, and the caller's memory may be written, until <see cref="EndDelivery"/> or <see cref="Continue"/>. False when it has ended.</summary>
    public bool TryDeliver() => Interlocked.CompareExchange(ref _state, Delivering, Running) == Running;

    /// <summary>What <see cref="TryDeliver"/> allowed is done and more follows; a cancellation that came meanwhile ends the item now.</summary>
    public void Continue()
    {
        Volatile.Write(ref _state, Running);
        if (_token.IsCancellationRequested)
        {
            Cancel();
        }
    }

    /// <summary>The answer is complete.</summary>
    public void EndDelivery()
    {
        _ = Interlocked.Exchange(ref _state, Ended);
        _cancellation.Unregister();
    }

    /// <summary>Ends it by an error, unless it has ended before.</summary>
    /// <param name="error">For the caller.</param>
    /// <param name="counted">Called before the caller is told, so that figures are never behind what callers know.</param>
    public void Fail(Exception error, Action counted)
    {
        if (TryEnd())
        {
            _cancellation.Unregister();
            try
            {
                counted();
            }
            finally
            {
                // Whatever a listener of the figures does: the caller waits for an answer.
                OnFailed(error is OutOfMemoryException ? new DynamicMoEMemoryException("Memory for the request could not be had.", error) : error);
            }
        }
    }

    /// <summary>Tells the caller.</summary>
    protected abstract void OnFailed(Exception error);

    /// <summary>Tells the caller.</summary>
    protected abstract void OnCancelled(CancellationToken token);

    private void Cancel()
    {
        if (TryEnd())
        {
            try
            {
                _removed!(this);
            }
            finally
            {
                OnCancelled(_token);
            }
        }
    }

    // Not while its answer is being written: that ends it anyway, at once.
    private bool TryEnd()
    {
        for (int seen = Volatile.Read(ref _state); seen is Waiting or Running; seen = Volatile.Read(ref _state))
        {
            if (Interlocked.CompareExchange(ref _state, Ended, seen) == seen)
            {
                return true;
            }
        }

        return false;
    }
}
