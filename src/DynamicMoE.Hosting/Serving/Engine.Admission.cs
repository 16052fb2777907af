using DynamicMoE.Hosting.Generation;
using DynamicMoE.Hosting.Layers;
using DynamicMoE.Hosting.Loading;
using DynamicMoE.Hosting.Queueing;

namespace DynamicMoE.Hosting;

/// <content>How requests come in: which are taken, and who runs them.</content>
internal sealed partial class Engine
{
    private static readonly TimeSpan s_mostRetry = TimeSpan.FromSeconds(60);

    /// <summary>Refuses as the smallest request would be refused at this moment.</summary>
    /// <exception cref="ServiceUnavailableException">The queue is full, or the service does not run.</exception>
    public void ThrowIfUnavailable()
    {
        lock (_lock)
        {
            RequireRoom(1);
        }
    }

    /// <summary>What is served now, with a use of its own, for a request that is yet to be checked: what could not be queued is not worth the work.</summary>
    /// <exception cref="ServiceUnavailableException">The queue is full, or the service does not run.</exception>
    public ServedModel UseForRequest()
    {
        lock (_lock)
        {
            RequireRoom(1);
            _current!.Use();
            return _current;
        }
    }

    /// <summary>Queues a route or forward, or runs it at once. The item has a use of its model, which the engine gives back.</summary>
    /// <exception cref="ServiceUnavailableException">The item was not taken; its use was given back.</exception>
    public void Submit(LayerWork item, CancellationToken cancellationToken)
    {
        bool lead;
        lock (_lock)
        {
            Admit(item);
            lead = !_busy && _queue.Requests == 1 && !_sequences.Any;
            _busy |= lead;
        }

        item.FollowCancellation(Cancelled, cancellationToken);
        if (!lead)
        {
            Signal();
            return;
        }

        try
        {
            RunLayers(alone: true);
        }
        finally
        {
            bool more;
            lock (_lock)
            {
                _busy = false;
                more = _queue.Requests > 0 || _stopping;
            }

            if (more)
            {
                Signal();
            }
        }
    }

    /// <summary>Queues a sequence. It has a use of its model, which the engine gives back.</summary>
    /// <exception cref="ServiceUnavailableException">The sequence was not taken; its use was given back.</exception>
    public void Submit(Sequence item, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Admit(item);
        }

        item.FollowCancellation(Cancelled, cancellationToken);
        Signal();
    }

    private void Admit(WorkItem item)
    {
        try
        {
            RequireRoom(item.Tokens);
            if (item is Sequence sequence && !sequence.TryReserve())
            {
                _figures.Rejected();
                throw Full(FormattableString.Invariant(
                    $"The memory for sequences is full: {_memory.Reserved >> 20} of {_memory.Capacity >> 20} MiB are reserved for keys and values."));
            }
        }
        catch
        {
            item.Release();
            throw;
        }

        item.Accepted = _time.GetTimestamp();
        _queue.Add(item);
        _figures.Accepted();
        FollowQueue();
    }

    // Under the lock.
    private void RequireRoom(int tokens)
    {
        if (_state != ServiceState.Running || _current is null)
        {
            _figures.Rejected();
            throw NotRunning();
        }

        if (!_queue.Fits(tokens))
        {
            _figures.Rejected();
            throw Full($"The queue is full: {_queue.Requests} of {_queue.Capacity} requests and {_queue.Tokens} of {_settings.QueueTokens} tokens wait.");
        }
    }

    private ServiceUnavailableException Full(string what)
    {
        TimeSpan retry = _figures.TimeFor(_queue.Tokens);
        retry = TimeSpan.FromSeconds(Math.Ceiling(Math.Clamp(retry.TotalSeconds, 1, s_mostRetry.TotalSeconds)));
        return new ServiceUnavailableException($"{what} Try again in {retry.TotalSeconds:0} s.", ServiceState.Running, retry);
    }

    private ServiceUnavailableException NotRunning() => new($"The service is {Name(_state)}.", _state, _state == ServiceState.Starting ? TimeSpan.FromSeconds(1) : TimeSpan.Zero);

    private static string Name(ServiceState state) => state switch
    {
        ServiceState.Starting => "starting",
        ServiceState.Draining => "draining",
        ServiceState.Failed => "out of order",
        ServiceState.Stopped => "stopped",
        _ => "running",
    };

    private void Cancelled(WorkItem item)
    {
        _figures.Cancelled();
        bool waited;
        lock (_lock)
        {
            waited = _queue.Remove(item);
            FollowQueue();
        }

        // One that runs is given back by whoever runs it.
        if (waited)
        {
            item.Release();
        }
    }
}
