namespace DynamicMoE.Models;

/// <summary>Owns what was made so far, so that a failure halfway frees all of it.</summary>
internal sealed class DisposalList : IDisposable
{
    private readonly List<IDisposable> _items = [];

    public T Add<T>(T item)
        where T : IDisposable
    {
        _items.Add(item);
        return item;
    }

    /// <summary>Gives the items up to a new owner.</summary>
    public void Release() => _items.Clear();

    public void Dispose()
    {
        for (int i = _items.Count - 1; i >= 0; i--)
        {
            _items[i].Dispose();
        }

        _items.Clear();
    }
}
