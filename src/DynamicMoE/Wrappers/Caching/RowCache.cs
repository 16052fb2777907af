using BitFaster.Caching.Lru;

namespace DynamicMoE;

/// <summary>
/// The bounded store of rows, of one kind for all its life: rows with logits that are served, or rows that are only counted. Least recently used
/// rows go first. Its counters are of this store alone.
/// </summary>
internal sealed class RowCache
{
    private readonly RowSightings _sightings;
    private readonly long _timeToLive;
    private FastConcurrentLru<RowKey, CachedRow> _rows;
    private long _hits;
    private long _misses;
    private long _returned;
    private long _distinct;
    private long _cleaned;
    private int _window = 1;

    /// <param name="serves">Whether rows have logits.</param>
    /// <param name="size">Most rows now.</param>
    /// <param name="mostRows">Most rows ever.</param>
    /// <param name="timeToLive">In units of timestamps.</param>
    /// <param name="now">Timestamp.</param>
    internal RowCache(bool serves, int size, int mostRows, long timeToLive, long now)
    {
        Serves = serves;
        _cleaned = now;
        _timeToLive = timeToLive;
        _sightings = new RowSightings(mostRows);
        _rows = Make(size);
    }

    internal bool Serves { get; }

    internal int Size => Rows.Capacity;

    internal int Count => Rows.Count;

    /// <summary>Whether a row must go for each that comes.</summary>
    internal bool IsFull
    {
        get
        {
            FastConcurrentLru<RowKey, CachedRow> rows = Rows;
            return rows.HotCount + rows.WarmCount + rows.ColdCount >= rows.Capacity;
        }
    }

    /// <summary>Number of the window that rows are found in.</summary>
    internal int Window => Volatile.Read(ref _window);

    private FastConcurrentLru<RowKey, CachedRow> Rows => Volatile.Read(ref _rows);

    /// <summary>Finds a row within its time.</summary>
    internal CachedRow? Find(RowKey key, long now)
    {
        if (!Rows.TryGet(key, out CachedRow? row))
        {
            return null;
        }

        if (now - row.Since < _timeToLive)
        {
            return row;
        }

        Remove(row);
        return null;
    }

    /// <summary>Notes a row that is missing.</summary>
    /// <param name="key">The row's.</param>
    /// <param name="returned">[out] Whether a larger cache would have had it.</param>
    /// <returns>Whether it is to be put in.</returns>
    internal bool Admits(RowKey key, out bool returned)
    {
        bool seen = _sightings.Note(key);
        bool full = IsFull;
        returned = seen && full;
        return seen || !full;
    }

    /// <summary>Puts a row in unless another call was faster.</summary>
    /// <returns>The row that is in.</returns>
    internal CachedRow Claim(CachedRow row) => Rows.GetOrAdd(row.Key, static (_, candidate) => candidate, row);

    internal void Remove(CachedRow row) => Rows.TryRemove(new KeyValuePair<RowKey, CachedRow>(row.Key, row));

    /// <summary>Counts what a call found.</summary>
    internal void Record(int hits, int misses, int returned, int distinct)
    {
        Interlocked.Add(ref _hits, hits);
        Interlocked.Add(ref _misses, misses);
        Interlocked.Add(ref _returned, returned);
        Interlocked.Add(ref _distinct, distinct);
    }

    /// <summary>Ends a window of counting. Rows past their time go now and then. Callers take turns.</summary>
    /// <returns>What was counted in it.</returns>
    internal CacheWindow EndWindow(long now)
    {
        RemoveOld(now);
        Interlocked.Increment(ref _window);
        return new CacheWindow(
            Size,
            IsFull,
            Interlocked.Exchange(ref _hits, 0),
            Interlocked.Exchange(ref _misses, 0),
            Interlocked.Exchange(ref _returned, 0),
            Interlocked.Exchange(ref _distinct, 0));
    }

    /// <summary>Changes how many rows it may hold; those that are in stay as far as they fit. A row that comes at this moment may be lost.</summary>
    internal void Resize(int size)
    {
        FastConcurrentLru<RowKey, CachedRow> old = Rows, rows = Make(size);
        foreach (KeyValuePair<RowKey, CachedRow> row in old)
        {
            rows.AddOrUpdate(row.Key, row.Value);
        }

        Volatile.Write(ref _rows, rows);
    }

    // Once in a time to live: a row that nobody asks for is held for twice that at most, while calls come.
    private void RemoveOld(long now)
    {
        if (now - _cleaned < _timeToLive)
        {
            return;
        }

        _cleaned = now;
        int removed = 0;
        foreach (KeyValuePair<RowKey, CachedRow> row in Rows)
        {
            if (now - row.Value.Since >= _timeToLive)
            {
                Remove(row.Value);
                removed++;
            }
        }

        // The store counts removed rows as there until others take their place; many of them would make it look full.
        if (removed > Size / 4)
        {
            Resize(Size);
        }
    }

    private static FastConcurrentLru<RowKey, CachedRow> Make(int size) => new(Environment.ProcessorCount, size, EqualityComparer<RowKey>.Default);
}
