namespace DynamicMoE;

/// <content>Calls on device memory.</content>
public partial class MoELayer
{
    /// <summary>Where the layer computes now.</summary>
    /// <value><see cref="ComputeDevice.Cpu"/> or a CUDA device; never <see cref="ComputeDevice.Auto"/>.</value>
    public ComputeDevice Device => _pipeline.Layer?.Device ?? ComputeDevice.Cpu;

    /// <summary>Why the layer computes there; one sentence.</summary>
    public string DeviceReason => _pipeline.Layer?.Reason ?? "The experts are managed.";

    /// <summary>Whether the processor has taken the place of a device: one that the options name, or one that failed.</summary>
    public bool HasLeftDevice => _pipeline.Layer?.HasLeft ?? false;

    /// <summary>Asks the device that the layer computes on whether it answers; does nothing on the processor. A layer that may fall back does so where the device
    /// has failed.</summary>
    /// <exception cref="BackendException">The device has failed; what it says.</exception>
    /// <exception cref="ObjectDisposedException">The layer is disposed.</exception>
    public void CheckDevice()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _pipeline.Layer?.CheckDevice();
    }

    /// <summary>
    /// Routes and runs a batch that lies in device memory, in the order of a stream and without copying hidden states. The batch is handed to the
    /// device before this returns; the task ends when the device is done, the decisions are in host memory and the router has learned from them.
    /// </summary>
    /// <remarks>Work that is under way cannot be taken back: memory of the call may be given up only when the task has ended. What needs hidden states in
    /// host memory is left out (guardrail, dropout) or refused (estimators other than router margin and entropy, caps and capacities of a batch, wrappers).
    /// </remarks>
    /// <param name="forward">The batch.</param>
    /// <param name="context">What is known beside the hidden states, or null.</param>
    /// <param name="cancellationToken">Looked at before the batch is handed over.</param>
    /// <returns>Figures of the batch.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="forward"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">The layer does not compute on a device, or its router needs host memory; says which.</exception>
    /// <exception cref="RoutingValidationException">A size, stride or address does not fit, or a value is not finite. The output is undefined.</exception>
    /// <exception cref="LoadBalancingException">Fewer usable experts are left than MinExperts.</exception>
    /// <exception cref="ExpertDispatchException">Finite input gave a non-finite output; the output is undefined.</exception>
    /// <exception cref="InsufficientDeviceMemoryException">Working memory could not be had on the device.</exception>
    /// <exception cref="BackendException">The device failed; names the operation.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before the batch was handed over.</exception>
    /// <exception cref="ObjectDisposedException">The layer, its router or the device is disposed.</exception>
    public Task<RoutingReport> ForwardAsync(DeviceForward forward, RoutingContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(forward);
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        DynamicRouter router = RequireDevicePath(forward, out DeviceCopy copy);
        RouteScratch scratch = _scratch.Rent();
        try
        {
            return FinishAsync(DeviceBatch.Start(copy, router, forward, context, scratch), scratch, context);
        }
        catch
        {
            _scratch.Return(scratch);
            throw;
        }
    }

    private async Task<RoutingReport> FinishAsync(DeviceBatch batch, RouteScratch scratch, RoutingContext? context)
    {
        try
        {
            using (batch)
            {
                RoutingReport report = await batch.FinishAsync(context).ConfigureAwait(false);
                _performance.Record(in report);
                return report;
            }
        }
        catch (BackendException error)
        {
            _pipeline.Layer!.Failed(error);
            throw;
        }
        finally
        {
            _scratch.Return(scratch);
        }
    }

    private DynamicRouter RequireDevicePath(DeviceForward forward, out DeviceCopy copy)
    {
        if (forward.Tokens < 1)
        {
            throw new RoutingValidationException($"Tokens ({forward.Tokens}) must be at least 1.");
        }

        copy = _pipeline.Layer?.Current
            ?? throw new RouterConfigurationException($"The layer computes on the processor ({DeviceReason}); ForwardAsync needs a device.");
        return Router is DynamicRouter router && _pipeline is FusedPipeline && !BatchWideRule
            ? router
            : throw new RouterConfigurationException($"ForwardAsync needs a DynamicRouter without wrappers and no capacity limit; the router is a {Router.GetType().Name}.");
    }
}
