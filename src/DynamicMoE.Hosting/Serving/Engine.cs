using DynamicMoE.Hosting.Generation;
using DynamicMoE.Hosting.Layers;
using DynamicMoE.Hosting.Loading;
using DynamicMoE.Hosting.Queueing;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting;

/// <summary>
/// Takes requests in, makes batches of them and runs these one after another; the products of a batch use all processors. A route or forward that meets an idle
/// engine is run at once by its own thread; everything else by the engine's thread.
/// </summary>
internal sealed partial class Engine : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _work = new(0, 1);
    private readonly WorkQueue _queue;
    private readonly BatchDelay _delay;
    private readonly OverloadLadder _ladder;
    private readonly LayerRunner _layers;
    private readonly SequenceRunner _sequences;
    private readonly ServingSettings _settings;
    private readonly EngineFigures _figures;
    private readonly SequenceMemory _memory;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly List<LayerWork> _batch = [];
    private readonly List<Sequence> _joining = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Thread? _thread;
    private ServedModel? _current;
    private bool _busy;      // somebody runs batches; guarded by the lock
    private bool _stopping;  // the thread is to end; guarded by the lock
    private bool _ended;     // it has ended; guarded by the lock
    private ServiceState _state = ServiceState.Starting;

    public Engine(ServingSettings settings, EngineFigures figures, ILogger logger, TimeProvider time)
    {
        (_settings, _figures, _logger, _time) = (settings, figures, logger, time);
        _queue = new WorkQueue(settings.QueueCapacity, settings.QueueTokens);
        _delay = new BatchDelay(TimeSpan.FromMicroseconds(settings.BatchDelayUs));
        _ladder = new OverloadLadder(settings.HighWater, settings.OverloadSteps);
        _layers = new LayerRunner(figures, time);
        _sequences = new SequenceRunner(settings, figures, time);
        _memory = new SequenceMemory(SequenceMemory.Allowed(settings));
    }

    /// <summary>Ends with the first model, or with the failure to have one.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Memory for keys and values of sequences.</summary>
    public SequenceMemory Memory => _memory;

    public ServiceState State
    {
        get
        {
            lock (_lock)
            {
                return _state;
            }
        }
    }

    /// <summary>Begins to take requests for a model, or goes over to another one. Requests that were accepted end with the one they were accepted for.</summary>
    /// <returns>False when the engine is being stopped; the model is then the caller's to free.</returns>
    public bool TryServe(ServedModel model)
    {
        ServedModel? before;
        lock (_lock)
        {
            if (_state is not (ServiceState.Starting or ServiceState.Running))
            {
                return false;
            }

            (before, _current) = (_current, model);
            _state = ServiceState.Running;
            if (_thread is null)
            {
                _thread = new Thread(Loop) { IsBackground = true, Name = "DynamicMoE engine" };
                _thread.Start();
            }
        }

        before?.Retire();
        _ = _ready.TrySetResult();
        return true;
    }

    /// <summary>Nothing could be loaded, or the thread ended by an error.</summary>
    public void Fail()
    {
        lock (_lock)
        {
            _state = ServiceState.Failed;
        }

        NeverReady(ServiceState.Failed);
    }

    /// <summary>What is served now, with a use of its own.</summary>
    /// <exception cref="ServiceUnavailableException">Nothing is.</exception>
    public ServedModel UseCurrent()
    {
        lock (_lock)
        {
            ServedModel model = _current ?? throw NotRunning();
            model.Use();
            return model;
        }
    }

    /// <summary>Refuses new requests and waits until those that were accepted have ended, or the time is over; what is left then fails.</summary>
    /// <param name="patience">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait before.</param>
    public async Task StopAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        long start = _time.GetTimestamp();
        lock (_lock)
        {
            if (_state is not (ServiceState.Failed or ServiceState.Stopped))
            {
                _state = ServiceState.Draining;
            }
        }

        while (!IsIdle() && _time.GetElapsedTime(start) < patience && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), _time, CancellationToken.None).ConfigureAwait(false);
        }

        await Task.Run(End, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Ends the engine without waiting for what was accepted, unless it has ended.</summary>
    public void Dispose()
    {
        End();
        _work.Dispose();
    }

    /// <summary>The queue at this moment.</summary>
    public QueueStats Queue()
    {
        lock (_lock)
        {
            return new QueueStats(
                _queue.Requests, _queue.Tokens, _queue.Capacity, _sequences.Count, _figures.Batches, _figures.BatchTokens,
                _delay.Current.TotalMicroseconds, _ladder.Level, _current is null ? null : Ceiling(_current, _ladder.Level));
        }
    }

    /// <summary>Share of the queue that is taken, 0..1.</summary>
    public double Fill()
    {
        lock (_lock)
        {
            return _queue.Fill;
        }
    }

    // Nobody has to wait for it: an error that is not looked at is none.
    private void NeverReady(ServiceState state)
    {
        if (_ready.TrySetException(new ServiceUnavailableException($"The service is {Name(state)}.", state, TimeSpan.Zero)))
        {
            _ = _ready.Task.Exception;
        }
    }

    private void End()
    {
        IReadOnlyList<WorkItem> left;
        ServedModel? model;
        Thread? thread;
        lock (_lock)
        {
            if (_state is not (ServiceState.Failed or ServiceState.Stopped))
            {
                _state = ServiceState.Draining;
            }

            _stopping = true;
            left = _queue.Empty();
            (model, _current) = (_current, null);
            (thread, _thread) = (_thread, null);
            Wake();
        }

        foreach (WorkItem item in left)
        {
            Drop(item, new ServiceUnavailableException("The service was stopped before this request had its turn.", ServiceState.Stopped, TimeSpan.Zero));
        }

        thread?.Join();
        model?.Release();
        lock (_lock)
        {
            _state = _state == ServiceState.Failed ? _state : ServiceState.Stopped;
        }

        NeverReady(ServiceState.Stopped);
    }

    private bool IsIdle()
    {
        lock (_lock)
        {
            return !_busy && _queue.Requests == 0 && !_sequences.Any;
        }
    }

    // Only the level: a ceiling is put into force at the begin of a batch, so that it holds for all layers of it.
    private void FollowQueue()
    {
        if (_ladder.Follow(_queue.Fill))
        {
            _figures.OverloadLevel = _ladder.Level;
        }
    }

    private double? Ceiling(ServedModel model, int level) =>
        model.Arbiter is { } arbiter ? _ladder.Ceiling(level, arbiter.Budget, arbiter.MinExperts) : null;

    private double? Impose(ServedModel model, int level)
    {
        double? ceiling = Ceiling(model, level);
        if (model.Arbiter is { } arbiter)
        {
            arbiter.OverloadCeiling = ceiling;
        }

        return ceiling;
    }

    private void Drop(WorkItem item, Exception error)
    {
        item.Fail(error, _figures.Failed);
        item.Release();
    }

    private void Signal()
    {
        lock (_lock)
        {
            Wake();
        }
    }

    // Only while the thread lives, under the lock.
    private void Wake()
    {
        if (!_ended && _work.CurrentCount == 0)
        {
            _ = _work.Release();
        }
    }
}
