namespace DynamicMoE;

/// <summary>Keeps working memory for as many concurrent calls as there are processors; more calls than that allocate.</summary>
internal sealed class ScratchPool<T>
    where T : class, new()
{
    private readonly T?[] _items = new T?[Math.Max(4, Environment.ProcessorCount * 2)];

    internal T Rent()
    {
        for (int i = 0; i < _items.Length; i++)
        {
            if (Volatile.Read(ref _items[i]) is not null && Interlocked.Exchange(ref _items[i], null) is { } item)
            {
                return item;
            }
        }

        return new T();
    }

    internal void Return(T item)
    {
        for (int i = 0; i < _items.Length; i++)
        {
            if (Volatile.Read(ref _items[i]) is null && Interlocked.CompareExchange(ref _items[i], item, null) is null)
            {
                return;
            }
        }
    }
}
