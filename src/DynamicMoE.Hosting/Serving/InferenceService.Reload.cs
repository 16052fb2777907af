using DynamicMoE.Hosting.Loading;

namespace DynamicMoE.Hosting;

/// <content>How one model takes the place of another.</content>
internal sealed partial class InferenceService
{
    /// <inheritdoc/>
    public async Task ReloadModelAsync(string? path = null, CancellationToken cancellationToken = default)
    {
        await _loading.WaitAsync(cancellationToken).ConfigureAwait(false);
        Task<ServedModel>? load = null;
        try
        {
            if (State != ServiceState.Running)
            {
                throw new ServiceUnavailableException("A model can only be exchanged while the service runs.", State, TimeSpan.Zero);
            }

            load = Task.Run(() => Load(path), CancellationToken.None);
            ServedModel loaded = await load.WaitAsync(cancellationToken).ConfigureAwait(false);

            // What was learnt goes over to the same model, and stays for the other one's return.
            Keep();
            _store.Restore(loaded);
            Take(loaded);
            _loading.Release();
        }
        catch (OperationCanceledException) when (load is not null)
        {
            // A load cannot be broken off, and two at once would hold two models' memory: the next one waits for its end, but the caller does not.
            _ = LetGoAsync(load);
            throw;
        }
        catch (Exception error)
        {
            _loading.Release();
            Log.ReloadFailed(_logger, path ?? "", error);
            throw;
        }
    }

    private ServedModel Load(string? path)
    {
        try
        {
            if (path is null)
            {
                return _loader.Load(WithCurrent(static model => model.Path));
            }

            string from = ModelPath.Confine(path, _settings.CurrentValue.Serving.ModelRoot);
            ModelPath.RequireRegular(from);
            return _loader.Load(from);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new DynamicMoEException($"{Printable.Quote(path ?? "the model")} cannot be read: {error.Message}", error);
        }
    }

    // Nobody waits for this load any more.
    private async Task LetGoAsync(Task<ServedModel> load)
    {
        try
        {
            (await load.ConfigureAwait(false)).Release();
        }
        catch (Exception error)
        {
            Log.ReloadFailed(_logger, "", error);
        }
        finally
        {
            _loading.Release();
        }
    }

    private void Take(ServedModel model)
    {
        bool served;
        lock (_exchange)
        {
            model.SetFrozen(Frozen);
            _feedback.Reset();
            served = _engine.TryServe(model);
        }

        if (!served)
        {
            model.Release();
            throw new ServiceUnavailableException("The service is being stopped.", State, TimeSpan.Zero);
        }

        Log.Serving(_logger, model.Info.Name, model.Layers.Count, model.Info.Generates);
    }
}
