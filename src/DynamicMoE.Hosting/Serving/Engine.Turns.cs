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
            // Runners answer for their batches; what arrives here is an error of the engine itself.
            Log.EngineFailed(_logger, error);
            Fail();
        }
        finally
        {
            lock (_lock)
            {
                _busy = false;
            }
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
        double? ceiling = TakeLayers(alone);
        if (_batch.Count > 0)
        {
            _layers.Run(_batch, ceiling);
            foreach (LayerWork item in _batch)
            {
                item.Model.Release();
            }
        }
    }

    // Waits for company at most until the oldest item's time is over. A wait is a spin: 200 us are below what a sleep can keep.
    private double? TakeLayers(bool alone)
    {
        int before = 0;
        while (true)
        {
            lock (_lock)
            {
                WorkItem? oldest = _queue.Oldest;
                bool more = _queue.Requests > 1;
                if (more && before == 0)
                {
                    _delay.Met();
                }

                bool full = _queue.Tokens >= _settings.MaxBatchTokens;
                if (alone || oldest is null || full || _stopping || _time.GetElapsedTime(oldest.Accepted) >= _delay.Current)
                {
                    if (before > 0)
                    {
                        _delay.Waited(gained: _queue.Requests > before);
                    }

                    _queue.Take(_batch, _settings.MaxBatchTokens, int.MaxValue, static (a, b) => a.Layer == b.Layer && a.Forward == b.Forward);
                    FollowQueue();
                    return Ceiling();
                }

                before = before == 0 ? _queue.Requests : before;
            }

            Thread.SpinWait(20);
        }
    }

    private double? Ceiling() => _current?.Arbiter is { } arbiter ? _ladder.Ceiling(arbiter.Budget, arbiter.MinExperts) : null;

    private void RunSequences()
    {
        _joining.Clear();
        double? ceiling;
        lock (_lock)
        {
            int free = _settings.MaxSequences - _sequences.Count;
            if (free > 0)
            {
                _queue.Take(_joining, int.MaxValue, free, static (_, _) => true);
            }

            FollowQueue();
            ceiling = Ceiling();
        }

        _sequences.Step(_joining, ceiling);
    }
}
