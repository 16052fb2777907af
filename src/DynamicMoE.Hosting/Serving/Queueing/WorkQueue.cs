using DynamicMoE.Hosting.Layers;

namespace DynamicMoE.Hosting.Queueing;

/// <summary>What waits, each kind in the order of its acceptance, bounded in requests and tokens. Not thread-safe: its owner has a lock.</summary>
internal sealed class WorkQueue(int capacity, long tokenCapacity)
{
    private readonly LinkedList<WorkItem> _layers = [];
    private readonly LinkedList<WorkItem> _sequences = [];

    public int Requests => _layers.Count + _sequences.Count;

    /// <summary>Routes and forwards among them.</summary>
    public int LayerRequests => _layers.Count;

    public long Tokens { get; private set; }

    public int Capacity => capacity;

    /// <summary>The fuller of the two bounds, 0..1.</summary>
    public double Fill => Math.Min(1, Math.Max((double)Requests / capacity, (double)Tokens / tokenCapacity));

    /// <summary>The oldest route or forward; null when none waits.</summary>
    public WorkItem? OldestLayer => _layers.First?.Value;

    /// <summary>Whether another item of so many tokens fits. An item above the whole bound fits an empty queue: its size has a limit of its own.</summary>
    public bool Fits(int tokens) => Requests < capacity && (Requests == 0 || Tokens + tokens <= tokenCapacity);

    public void Add(WorkItem item)
    {
        item.Place = ListOf(item).AddLast(item);
        Tokens += item.Tokens;
    }

    /// <summary>Removes an item; false when it is not here any more.</summary>
    public bool Remove(WorkItem item)
    {
        if (item.Place is not { } place)
        {
            return false;
        }

        ListOf(item).Remove(place);
        item.Place = null;
        Tokens -= item.Tokens;
        return true;
    }

    /// <summary>Takes the first route or forward, and others that may share its batch while they fit.</summary>
    /// <remarks>An item that its caller gave up just now is left out, and the use of its model given back.</remarks>
    /// <param name="batch">[out] The items, which have begun.</param>
    /// <param name="tokens">Tokens of a batch; the first item may exceed it.</param>
    public void TakeLayers(List<LayerWork> batch, int tokens)
    {
        long sum = 0;
        for (LinkedListNode<WorkItem>? node = _layers.First, next; node is not null; node = next)
        {
            next = node.Next;
            var item = (LayerWork)node.Value;
            bool shares = batch.Count == 0 || (sum + item.Tokens <= tokens && batch[0].Layer == item.Layer && batch[0].Forward == item.Forward);
            if (shares && Begin(item))
            {
                batch.Add(item);
                sum += item.Tokens;
            }
        }
    }

    /// <summary>Takes the first sequences.</summary>
    /// <param name="joining">[out] The sequences, which have begun.</param>
    /// <param name="most">Sequences at most.</param>
    public void TakeSequences<T>(List<T> joining, int most)
        where T : WorkItem
    {
        for (LinkedListNode<WorkItem>? node = _sequences.First, next; node is not null && joining.Count < most; node = next)
        {
            next = node.Next;
            if (Begin(node.Value))
            {
                joining.Add((T)node.Value);
            }
        }
    }

    /// <summary>Takes everything.</summary>
    public IReadOnlyList<WorkItem> Empty()
    {
        WorkItem[] items = [.. _layers, .. _sequences];
        foreach (WorkItem item in items)
        {
            _ = Remove(item);
        }

        return items;
    }

    private LinkedList<WorkItem> ListOf(WorkItem item) => item is LayerWork ? _layers : _sequences;

    private bool Begin(WorkItem item)
    {
        _ = Remove(item);
        if (item.TryBegin())
        {
            return true;
        }

        item.Release();
        return false;
    }
}
