using DynamicMoE.Hosting.Layers;
using DynamicMoE.Hosting.Queueing;

namespace DynamicMoE.Hosting;

/// <content>What the engine's thread does, turn by turn.</content>
internal sealed partial class Engine
{
    private void Loop()
    {
        while (true)
        {
            _work.Wait();
            while (Begin(out bool stop))
            {
                if (stop)
                {
                    _sequences.Stop();
                    lock (_lock)
                    {
                        _ended = true;
                    }

                    return;
                }

                RunTurn();
            }
        }
    }

    // A turn: one batch of a layer, then one token of every sequence.
    private void RunTurn()
    {
        try
        {
            RunLayers(alone: _sequences.Any);
            RunSequences();
        }
        catch (Exception error)
        {
            // Runners answer for their batches; what arrives here is an error of the engine itself, and nobody may wait for it.
            Log.EngineFailed(_logger, error);
            Fail();
            Abandon(error);
        }
        finally
        {
            lock (_lock)
            {
                _busy = false;
            }
        }
    }

    private void Abandon(Exception error)
    {
        IReadOnlyList<WorkItem> left;
        lock (_lock)
        {
            left = _queue.Empty();
        }

        _sequences.Stop();
        foreach (WorkItem item in left.Concat(_batch).Concat(_joining))
        {
            item.Fail(error, _figures.Failed);
        }
    }

    // Whether there is something to do for the thread; unless it is to end, it is then the one that runs batches.
    private bool Begin(out bool stop)
    {
        lock (_lock)
        {
            stop = _stopping && !_busy;
            bool begin = !_busy && !stop && (_queue.Requests > 0 || _sequences.Any);
            _busy |= begin;
            return begin || stop;
        }
    }

    private void RunLayers(bool alone)
    {
        _batch.Clear();
        int level = TakeLayers(alone);
        if (_batch.Count == 0)
        {
            return;
        }

        _layers.Run(_batch, Impose(_batch[0].Model, level));
        foreach (LayerWork item in _batch)
        {
            item.Release();
        }

        _batch.Clear();
    }

    // Waits for company at most until the oldest item's time is over. A wait is a spin: 200 us are below what a sleep can keep.
    private int TakeLayers(bool alone)
    {
        int before = 0;
        while (true)
        {
            lock (_lock)
            {
                WorkItem? oldest = _queue.OldestLayer;
                int waiting = _queue.LayerRequests;
                if (waiting > 1 && before == 0)
                {
                    _delay.Met();
                }

                bool full = _queue.Tokens >= _settings.MaxBatchTokens;
                if (alone || oldest is null || full || _stopping || _time.GetElapsedTime(oldest.Accepted) >= _delay.Current)
                {
                    if (before > 0)
                    {
                        _delay.Waited(gained: waiting > before);
                    }

                    // The level is that of the queue which the batch comes from.
                    FollowQueue();
                    int level = _ladder.Level;
                    _queue.TakeLayers(_batch, _settings.MaxBatchTokens);
                    return level;
                }

                before = before == 0 ? waiting : before;
            }

            Thread.SpinWait(20);
        }
    }

    private void RunSequences()
    {
        _joining.Clear();
        int level;
        lock (_lock)
        {
            FollowQueue();
            level = _ladder.Level;
            _queue.TakeSequences(_joining, _settings.MaxSequences - _sequences.Count);
        }

        _sequences.Step(_joining, model => Impose(model, level));
        _joining.Clear();
    }
}
