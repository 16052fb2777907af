using DynamicMoE.Hosting.Generation;
using DynamicMoE.Hosting.Health;
using DynamicMoE.Hosting.Layers;
using DynamicMoE.Hosting.Loading;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting;

/// <summary>The background service: loads what is served, runs the engine, drains it at the end.</summary>
internal sealed partial class InferenceService : BackgroundService, IInferenceService
{
    private readonly SettingsMonitor _settings;
    private readonly ModelLoader _loader;
    private readonly AdaptationStore _store;
    private readonly EngineFigures _figures;
    private readonly Engine _engine;
    private readonly Feedback _feedback;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly SemaphoreSlim _loading = new(1, 1);
    private readonly Lock _exchange = new();
    private Task? _stopped;
    private bool _frozen;

    public InferenceService(
        SettingsMonitor settings, ModelLoader loader, EngineFigures figures, ILogger<InferenceService> logger, TimeProvider time, IHostApplicationLifetime lifetime)
    {
        (_settings, _loader, _figures, _logger, _time) = (settings, loader, figures, logger, time);
        ServingSettings serving = settings.CurrentValue.Serving;
        _store = new AdaptationStore(serving.StateDirectory, logger);
        _engine = new Engine(serving, figures, logger, time);
        _feedback = new Feedback(settings.CurrentValue.Router);
        _figures.Observe(_engine.Queue, _engine.Memory);
        _started = time.GetTimestamp();
        _ = lifetime.ApplicationStopping.Register(BeginDrain);
    }

    /// <inheritdoc/>
    public ServiceState State => _engine.State;

    /// <summary>Share of the queue that is taken, 0..1.</summary>
    public double QueueFill => _engine.Fill();

    /// <inheritdoc/>
    public ServedModelInfo Model => WithCurrent(static model => model.Info);

    /// <inheritdoc/>
    public bool Frozen
    {
        get => Volatile.Read(ref _frozen);
        set
        {
            // One at a time, and not while a model is exchanged: flag and model must not part.
            lock (_exchange)
            {
                _ = WithCurrent(model =>
                {
                    model.SetFrozen(value);
                    return value;
                });
                Volatile.Write(ref _frozen, value);
            }
        }
    }

    /// <inheritdoc/>
    public Task WaitUntilReadyAsync(CancellationToken cancellationToken = default) => _engine.Ready.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public void ThrowIfUnavailable() => _engine.ThrowIfUnavailable();

    /// <inheritdoc/>
    public Task<LayerReply> RouteAsync(LayerRequest request, CancellationToken cancellationToken = default) => Submit(request, forward: false, cancellationToken);

    /// <inheritdoc/>
    public Task<LayerReply> ForwardAsync(LayerRequest request, CancellationToken cancellationToken = default) => Submit(request, forward: true, cancellationToken);

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ServedModel model = _engine.UseForRequest();
        Sequence sequence;
        try
        {
            sequence = RequestCheck.Sequence(model, request, _settings.CurrentValue.Serving, _engine.Memory);
        }
        catch
        {
            model.Release();
            throw;
        }

        // An enumerator that is left before the end must take its sequence out of the batch.
        var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            _engine.Submit(sequence, source.Token);
        }
        catch
        {
            source.Dispose();
            throw;
        }

        return new UpdateStream(sequence.Updates, source);
    }

    /// <inheritdoc/>
    public ServiceStats GetStats()
    {
        ServedModel? model = null;
        try
        {
            model = _engine.UseCurrent();
        }
        catch (ServiceUnavailableException)
        {
            // Before the first model and after the end there are figures of the queue alone.
        }

        try
        {
            return StatsSnapshot.Of(model, _engine, _figures, _time.GetElapsedTime(_started), Frozen);
        }
        finally
        {
            model?.Release();
        }
    }

    /// <inheritdoc/>
    public double Feedback(double performanceScore)
    {
        // Not while a model is exchanged: what is known of the one before must not count for its successor.
        lock (_exchange)
        {
            return WithCurrent(model => _feedback.Give(performanceScore, model.Arbiter));
        }
    }

    /// <inheritdoc/>
    public int ClearCache() => WithCurrent(static model => model.Layers.Sum(layer => layer.ClearCache()));

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        await (_stopped ??= DrainAsync(cancellationToken)).ConfigureAwait(false);
        RequestStats requests = _figures.Requests;
        Log.Stopped(_logger, requests.Accepted, requests.Answered, requests.Failed, requests.Cancelled, requests.Rejected);
    }

    // Begins with the host's stop and not when this service's turn comes: the web server waits for the answers of requests that it has taken.
    private void BeginDrain() => _stopped ??= DrainAsync(CancellationToken.None);

    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        Keep();
        await _engine.StopAsync(TimeSpan.FromSeconds(_settings.CurrentValue.Serving.DrainSeconds), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _engine.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            ServedModel model = await Task.Run(() => _loader.Load(null), stoppingToken).ConfigureAwait(false);
            _store.Restore(model);
            Take(model);
        }
        catch (ServiceUnavailableException) when (State is ServiceState.Draining or ServiceState.Stopped)
        {
            // The engine hears of the end before this token does.
            return;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            _engine.Fail();
            Log.LoadFailed(_logger, error);
            throw;
        }

        using var timer = new PeriodicTimer(AdaptationStore.Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                Keep();
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the service.
        }
    }

    private void Keep()
    {
        if (State is ServiceState.Running)
        {
            _ = WithCurrent(model =>
            {
                _store.Save(model);
                return 0;
            });
        }
    }

    private Task<LayerReply> Submit(LayerRequest request, bool forward, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<LayerReply>(cancellationToken);
        }

        ServedModel model = _engine.UseForRequest();
        LayerWork work;
        try
        {
            work = RequestCheck.Layer(model, request, forward, _settings.CurrentValue.Serving);
        }
        catch
        {
            model.Release();
            throw;
        }

        _engine.Submit(work, cancellationToken);
        return work.Answer;
    }

    /// <summary>Asks the devices of the served model's layers whether they answer.</summary>
    /// <exception cref="BackendException">One does not.</exception>
    /// <exception cref="ServiceUnavailableException">Nothing is served.</exception>
    internal ServedDevices CheckDevices() => WithCurrent(ServedDevices.Check);

    private T WithCurrent<T>(Func<ServedModel, T> ask)
    {
        ServedModel model = _engine.UseCurrent();
        try
        {
            return ask(model);
        }
        finally
        {
            model.Release();
        }
    }
}
