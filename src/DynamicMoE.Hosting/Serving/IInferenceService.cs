namespace DynamicMoE.Hosting;

/// <summary>What is served, behind a bounded queue. Calls may come from any thread. A request is checked before it is queued; a request that was accepted is
/// answered once: by a reply, by the exception of its own failure, or by <see cref="OperationCanceledException"/> after its token was cancelled.</summary>
public interface IInferenceService
{
    /// <summary>Whether requests are taken.</summary>
    ServiceState State { get; }

    /// <summary>What is served at this moment. The same object until another model takes its place.</summary>
    /// <exception cref="ServiceUnavailableException">Nothing is loaded yet.</exception>
    ServedModelInfo Model { get; }

    /// <summary>Waits until requests are taken: the host's start returns while the model is still being loaded.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that ends once <see cref="State"/> is <see cref="ServiceState.Running"/>.</returns>
    /// <exception cref="ServiceUnavailableException">Nothing could be loaded, or the service was stopped before.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    Task WaitUntilReadyAsync(CancellationToken cancellationToken = default);

    /// <summary>Refuses as a request would be refused at this moment, for callers that have work to do before they have one. Whether the request is taken is decided when it comes.</summary>
    /// <exception cref="ServiceUnavailableException">The queue is full, or the service starts or stops. Counts as a request that was refused.</exception>
    void ThrowIfUnavailable();

    /// <summary>Routes tokens; no expert runs.</summary>
    /// <param name="request">Hidden states of one layer's input.</param>
    /// <param name="cancellationToken">Gives the place in the queue back; a batch that has begun is finished, its result dropped.</param>
    /// <returns>Experts and weights per token.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="request"/> is null.</exception>
    /// <exception cref="RoutingValidationException">A length, an index, a value or a dial is outside its range. Nothing was queued.</exception>
    /// <exception cref="ModelExchangedException">The request was made for another model than the one that is served. Nothing was queued.</exception>
    /// <exception cref="ServiceUnavailableException">The queue is full, or the service starts or stops.</exception>
    /// <exception cref="DynamicMoEMemoryException">Memory for the batch could not be had.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    Task<LayerReply> RouteAsync(LayerRequest request, CancellationToken cancellationToken = default);

    /// <summary>Routes tokens and runs their experts.</summary>
    /// <param name="request">Hidden states of one layer's input.</param>
    /// <param name="cancellationToken">As in <see cref="RouteAsync"/>.</param>
    /// <returns>The layer's output, and the routing if it was asked for.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="request"/> is null.</exception>
    /// <exception cref="RoutingValidationException">A length, an index, a value or a dial is outside its range, or the layer has no experts. Nothing was queued.</exception>
    /// <exception cref="ModelExchangedException">The request was made for another model than the one that is served. Nothing was queued.</exception>
    /// <exception cref="ServiceUnavailableException">The queue is full, or the service starts or stops.</exception>
    /// <exception cref="ExpertDispatchException">This request's finite input gave a value that is not finite.</exception>
    /// <exception cref="DynamicMoEMemoryException">Memory for the batch could not be had.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    Task<LayerReply> ForwardAsync(LayerRequest request, CancellationToken cancellationToken = default);

    /// <summary>Generates text or tokens, piece by piece, in one batch with other sequences.</summary>
    /// <param name="request">Prompt and sampling.</param>
    /// <param name="cancellationToken">Takes the sequence out of the batch before its next token.</param>
    /// <returns>One update per token; the last one has a <see cref="GenerationUpdate.FinishReason"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="request"/> is null.</exception>
    /// <exception cref="RoutingValidationException">The prompt is empty or too long, a token or an option is outside its range, or nothing that generates is served.
    /// Nothing was queued.</exception>
    /// <exception cref="ModelExchangedException">The request was made for another model than the one that is served. Nothing was queued.</exception>
    /// <exception cref="ServiceUnavailableException">The queue or the memory for sequences is full, or the service starts or stops.</exception>
    /// <exception cref="DynamicMoEMemoryException">Memory could not be had after all, though it was reserved.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <remarks>The request is checked and queued by this call, before the first element is asked for.</remarks>
    IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default);

    /// <summary>Figures at this moment. Takes the queue's lock for moments only; a few calls per second cost requests nothing.</summary>
    /// <returns>A snapshot.</returns>
    ServiceStats GetStats();

    /// <summary>Proposes a change of the budget from a measured quality (<c>UpdateThresholds</c> of the specification); acts from the next batch on.</summary>
    /// <param name="performanceScore">Between 0 and 1, higher is better.</param>
    /// <returns>What is added to the budget since then, in experts per token.</returns>
    /// <exception cref="RoutingValidationException">The score is outside 0..1 or NaN, or what is served has no budget.</exception>
    double Feedback(double performanceScore);

    /// <summary>Whether thresholds, score tables and selection bias stand still.</summary>
    bool Frozen { get; set; }

    /// <summary>Empties the routing cache.</summary>
    /// <returns>Rows dropped; 0 where there is no cache.</returns>
    int ClearCache();

    /// <summary>Loads a model beside the one that is served and then switches to it; requests that were accepted end with the old one.</summary>
    /// <param name="path">Folder of a checkpoint or packed file, of regular files; below <see cref="ServingSettings.ModelRoot"/> where that is set. Null: the same as now.</param>
    /// <param name="cancellationToken">Gives up; a load that has begun is finished, and its result dropped, before the next one begins.</param>
    /// <returns>A task that ends once the new one is served.</returns>
    /// <exception cref="DynamicMoEException">The path is not allowed, or the checkpoint is not usable; the old one is served on.</exception>
    /// <exception cref="ServiceUnavailableException">The service starts or stops.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the old one is served on.</exception>
    Task ReloadModelAsync(string? path = null, CancellationToken cancellationToken = default);
}
