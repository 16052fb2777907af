using DynamicMoE.Hosting.Queueing;

namespace DynamicMoE.Hosting.Layers;

/// <summary>A route or a forward.</summary>
internal sealed class LayerWork : WorkItem
{
    private readonly TaskCompletionSource<LayerReply> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public required LayerRequest Request { get; init; }

    public required ServedLayer Layer { get; init; }

    /// <summary>Whether the experts run.</summary>
    public required bool Forward { get; init; }

    /// <summary>The dial as the router takes it; NaN: the service's budget.</summary>
    public required float Quality { get; init; }

    public Task<LayerReply> Answer => _answer.Task;

    /// <summary>Answers. The item must be in delivery.</summary>
    public void Complete(LayerReply reply)
    {
        EndDelivery();
        _answer.SetResult(reply);
    }

    protected override void OnFailed(Exception error) => _answer.SetException(error);

    protected override void OnCancelled(CancellationToken token) => _answer.SetCanceled(token);
}
