namespace DynamicMoE.Hosting.Queueing;

/// <summary>What waits, in the order of its acceptance, bounded in requests and tokens. Not thread-safe: its owner has a lock.</summary>
internal sealed class WorkQueue(int capacity, long tokenCapacity)
{
    private readonly LinkedList<WorkItem> _items = [];

    public int Requests => _items.Count;

    public long Tokens { get; private set; }

    public int Capacity => capacity;

    /// <summary>The fuller of the two bounds, 0..1.</summary>
    public double Fill => Math.Max((double)Requests / capacity, (double)Tokens / tokenCapacity);

    /// <summary>The oldest; null when nothing waits.</summary>
    public WorkItem? Oldest => _items.First?.Value;

    /// <summary>Whether another item of so many tokens fits. An item above the whole bound fits an empty queue: its size has a limit of its own.</summary>
    public bool Fits(int tokens) => Requests < capacity && (Requests == 0 || Tokens + tokens <= tokenCapacity);

    public void Add(WorkItem item)
    {
        item.Place = _items.AddLast(item);
        Tokens += item.Tokens;
    }

    /// <summary>Removes an item; false when it is not here any more.</summary>
    public bool Remove(WorkItem item)
    {
        if (item.Place is not { } place)
        {
            return false;
        }

        _items.Remove(place);
        item.Place = null;
        Tokens -= item.Tokens;
        return true;
    }

    /// <summary>Takes the first item of a kind, and others of its kind that may share its batch while they fit.</summary>
    /// <remarks>An item that its caller gave up just now is left out, and the use of its model given back.</remarks>
    /// <param name="batch">[out] The items, which have begun.</param>
    /// <param name="tokens">Tokens of a batch; the first item may exceed it.</param>
    /// <param name="most">Items of a batch.</param>
    /// <param name="shares">Whether two items may be in one batch.</param>
    public void Take<T>(List<T> batch, int tokens, int most, Func<T, T, bool> shares)
        where T : WorkItem
    {
        long sum = 0;
        for (LinkedListNode<WorkItem>? node = _items.First; node is not null && batch.Count < most;)
        {
            LinkedListNode<WorkItem>? next = node.Next;
            if (node.Value is T item && (batch.Count == 0 || (sum + item.Tokens <= tokens && shares(batch[0], item))))
            {
                _ = Remove(item);
                if (item.TryBegin())
                {
                    batch.Add(item);
                    sum += item.Tokens;
                }
                else
                {
                    item.Model.Release();
                }
            }

            node = next;
        }
    }

    /// <summary>Takes everything.</summary>
    public IReadOnlyList<WorkItem> Empty()
    {
        WorkItem[] items = [.. _items];
        foreach (WorkItem item in items)
        {
            _ = Remove(item);
        }

        return items;
    }
}
