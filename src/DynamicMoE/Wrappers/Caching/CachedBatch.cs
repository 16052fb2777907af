namespace DynamicMoE;

/// <summary>
/// The rows of one call: looked up, computed where they are missing, and gathered as what the router is told. Memory grows to the largest batch
/// seen and is then reused. Every row that it puts into a cache it publishes or fails before it waits for a row of another call, so that calls
/// cannot wait for each other in a circle.
/// </summary>
internal sealed class CachedBatch
{
    private readonly KnownRows _missing = new();
    private readonly RouteScratch _scratch = new();
    private int[] _rows = [];
    private CachedRow?[] _own = [];
    private CachedRow[] _awaited = [];
    private int[] _awaitedRows = [];
    private float[] _gathered = [];
    private int _missingCount;
    private int _awaitedCount;
    private int _awaitedEver;
    private int _ownLeft;

    /// <summary>What the router is told.</summary>
    internal KnownRows Known { get; } = new();

    /// <summary>Buffers of calls that are only timed.</summary>
    internal RouteScratch Scratch => _scratch;

    internal int Hits { get; private set; }

    internal int Misses => _missingCount;

    internal int Shared => _awaitedCount;

    internal int Returned { get; private set; }

    internal int Distinct { get; private set; }

    /// <summary>Looks every row up; those that are missing are put in, to be computed.</summary>
    internal void Look(RowCache cache, RowSource source, ReadOnlySpan<float> hidden, int tokens, long now)
    {
        Begin(source, tokens);
        int window = cache.Window;
        for (int row = 0; row < tokens; row++)
        {
            ReadOnlySpan<float> values = hidden.Slice(row * source.InputDim, source.InputDim);
            RowKey key = RowKey.Of(values, source.Seed);
            if (cache.Find(key, now) is { } found)
            {
                Take(cache, found, values, row, window);
            }
            else
            {
                Miss(cache, source, key, values, row, now, window);
            }
        }
    }

    /// <summary>Computes what is missing, lets other calls have it, and waits for what they compute. Afterwards everything is known.</summary>
    /// <exception cref="DynamicMoEException">A row cannot be routed.</exception>
    internal void Complete(RowSource source, ReadOnlySpan<float> hidden)
    {
        Compute(source, hidden, _rows.AsSpan(0, _missingCount));
        for (int i = 0; i < _missingCount; i++)
        {
            if (_own[i] is { } own)
            {
                _own[i] = null;
                _ownLeft--;
                own.Publish(Known.LogitsOf(_rows[i]), Known.Raw[_rows[i]]);
            }
        }

        int late = 0;
        for (int i = 0; i < _awaitedCount; i++)
        {
            int row = _awaitedRows[i];
            if (_awaited[i].Wait())
            {
                Copy(_awaited[i], row);
            }
            else
            {
                _rows[_missingCount + late++] = row;
            }
        }

        Compute(source, hidden, _rows.AsSpan(_missingCount, late));
        Hits -= late;
        _missingCount += late;
        _awaitedCount -= late;
    }

    /// <summary>Computes every row, whatever is known of it.</summary>
    internal void ComputeAll(RowSource source, ReadOnlySpan<float> hidden, int tokens)
    {
        for (int row = 0; row < tokens; row++)
        {
            _rows[row] = row;
        }

        Compute(source, hidden, _rows.AsSpan(0, tokens));
    }

    /// <summary>Takes out what was put in and is not computed; who waits for it computes it itself. Does nothing after <see cref="Complete"/>.</summary>
    internal void Abandon(RowCache cache)
    {
        for (int i = 0; _ownLeft > 0; i++)
        {
            if (_own[i] is { } own)
            {
                _own[i] = null;
                _ownLeft--;
                cache.Remove(own);
                own.Fail();
            }
        }
    }

    /// <summary>Ends the call.</summary>
    internal void End()
    {
        Known.End();
        Array.Clear(_awaited, 0, _awaitedEver);
        _awaitedEver = 0;
    }

    private void Begin(RowSource source, int tokens)
    {
        Known.Begin(source.Gate, tokens);
        if (_rows.Length < tokens)
        {
            _rows = new int[tokens];
            _own = new CachedRow?[tokens];
            _awaited = new CachedRow[tokens];
            _awaitedRows = new int[tokens];
        }

        Hits = 0;
        Returned = 0;
        Distinct = 0;
        _missingCount = 0;
        _awaitedCount = 0;
        _ownLeft = 0;
    }

    private void Take(RowCache cache, CachedRow found, ReadOnlySpan<float> values, int row, int window)
    {
        if (!found.Holds(values))
        {
            // Another row of the same key: computed like a row that nobody keeps.
            AddMissing(row, null);
            return;
        }

        Hits++;
        if (found.FoundIn != window)
        {
            found.FoundIn = window;
            Distinct++;
        }

        if (!cache.Serves)
        {
            return;
        }

        if (found.IsReady)
        {
            Copy(found, row);
        }
        else
        {
            _awaited[_awaitedCount] = found;
            _awaitedRows[_awaitedCount++] = row;
            _awaitedEver++;
        }
    }

    private void Miss(RowCache cache, RowSource source, RowKey key, ReadOnlySpan<float> values, int row, long now, int window)
    {
        bool admitted = cache.Admits(key, out bool returned);
        Returned += returned ? 1 : 0;
        if (!admitted)
        {
            AddMissing(row, null);
            return;
        }

        var own = new CachedRow(key, values, cache.Serves ? source.Gate.NumExperts : 0, now);
        AddMissing(row, cache.Serves ? own : null);
        CachedRow held = cache.Claim(own);
        if (!ReferenceEquals(held, own))
        {
            // Another call was faster. Nobody has seen this one's.
            RemoveLastMissing();
            Take(cache, held, values, row, window);
        }
    }

    private void AddMissing(int row, CachedRow? own)
    {
        _own[_missingCount] = own;
        _ownLeft += own is null ? 0 : 1;
        _rows[_missingCount++] = row;
    }

    private void RemoveLastMissing()
    {
        _missingCount--;
        _ownLeft -= _own[_missingCount] is null ? 0 : 1;
        _own[_missingCount] = null;
    }

    private void Copy(CachedRow from, int row)
    {
        from.Logits.CopyTo(Known.LogitsOf(row));
        Known.Raw[row] = from.Raw;
    }

    // In parts of the size that the gate works in: more at a time it would compute twice.
    private void Compute(RowSource source, ReadOnlySpan<float> hidden, ReadOnlySpan<int> rows)
    {
        int most = source.Gate.Options.MaxTokens;
        for (int first = 0; first < rows.Length; first += most)
        {
            ComputePart(source, hidden, rows.Slice(first, Math.Min(most, rows.Length - first)));
        }
    }

    private void ComputePart(RowSource source, ReadOnlySpan<float> hidden, ReadOnlySpan<int> rows)
    {
        ReadOnlySpan<float> values = InSequence(rows)
            ? hidden.Slice(rows[0] * source.InputDim, rows.Length * source.InputDim)
            : Gather(hidden, source.InputDim, rows);
        _missing.Begin(source.Gate, rows.Length);
        source.Compute(values, rows.Length, _missing, _scratch);
        for (int i = 0; i < rows.Length; i++)
        {
            _missing.LogitsOf(i).CopyTo(Known.LogitsOf(rows[i]));
            Known.Raw[rows[i]] = _missing.Raw[i];
        }
    }

    private static bool InSequence(ReadOnlySpan<int> rows) => rows[^1] - rows[0] == rows.Length - 1;

    private ReadOnlySpan<float> Gather(ReadOnlySpan<float> hidden, int columns, ReadOnlySpan<int> rows)
    {
        _gathered = _gathered.Length < rows.Length * columns ? new float[rows.Length * columns] : _gathered;
        for (int i = 0; i < rows.Length; i++)
        {
            hidden.Slice(rows[i] * columns, columns).CopyTo(_gathered.AsSpan(i * columns));
        }

        return _gathered.AsSpan(0, rows.Length * columns);
    }
}
