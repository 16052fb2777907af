namespace DynamicMoE;

/// <summary>
/// A router that remembers rows. What neither context nor adaptation changes is kept: a row's logits, and the estimator's raw value where it looks
/// at the row alone (the fallbacks of gradient_norm, attention_entropy and perplexity_proxy, threshold without a function). Noise, score, count,
/// selection and weights follow from them in every call, so that results are those of the router inside to the last bit.
/// </summary>
/// <remarks>
/// Rows are cached where a <see cref="DynamicRouter"/> is reached through <see cref="RouterWrapper.Inner"/> of one or more wrappers; those in between
/// see the call as ever. Around any other router batches are handed on as they are, and <see cref="CacheStats.State"/> is NotCacheable. So are
/// batches with more than 16777216 logits, and those of a cache around a cache.
/// A row is named by XXH128 of its bytes, seeded per process, and its bytes are compared when it is found. Of calls that ask for a row at once, one
/// computes it and the others wait, as long as the row is held: a full cache takes a row in when it comes for the second time, and what it does not
/// hold each call computes. A row that is put in allocates; a call that finds its rows allocates nothing after warm-up.
/// </remarks>
public sealed class CachedRouter : RouterWrapper
{
    private const long MostLogits = 1 << 24;

    private readonly CacheOptions _options;
    private readonly RowSource? _source;
    private readonly CacheGovernor? _governor;
    private readonly ScratchPool<CachedBatch> _batches = new();
    private long _hits;
    private long _misses;
    private long _shared;

    /// <summary>Puts a cache around a router.</summary>
    /// <param name="inner">The router inside; not owned.</param>
    /// <param name="options">Options; null for the defaults. Later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException"><paramref name="inner"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    public CachedRouter(IRouter inner, CacheOptions? options = null)
        : base(inner)
    {
        _options = (options ?? new CacheOptions()).Validated();
        if (RouterChain.Dynamic(inner) is { } router)
        {
            _source = new RowSource(router);
            _governor = new CacheGovernor(_options);
        }
    }

    /// <inheritdoc/>
    internal override bool CanBePassed => true;

    /// <summary>While the cache rests a layer loses nothing by going past it, and keeps its one native call.</summary>
    internal override bool MayPass => _governor?.Cache is null;

    /// <summary>Tells what the cache holds and whether it pays.</summary>
    /// <returns>A snapshot. Counts go on while it is taken.</returns>
    public CacheStats GetCacheStats()
    {
        (CacheVerdict? verdict, bool? pays) = _governor?.Judgement ?? default;
        RowCache? cache = _governor?.Cache;
        int size = cache?.Count ?? 0;
        long floats = cache is null ? 0 : InputDim + (cache.Serves ? NumExperts : 0);
        return new CacheStats
        {
            Size = size,
            MaxSize = _governor?.Size ?? 0,
            HitCount = Volatile.Read(ref _hits),
            MissCount = Volatile.Read(ref _misses),
            SharedCount = Volatile.Read(ref _shared),
            TtlSeconds = _options.TimeToLive.TotalSeconds,
            State = _governor?.State ?? CacheState.NotCacheable,
            Pays = pays,
            PlainNanosecondsPerRow = verdict?.Plain ?? 0,
            CachedNanosecondsPerRow = verdict?.Cached ?? 0,
            Bytes = size * floats * sizeof(float),
        };
    }

    /// <summary>Forgets every row. Counts and measurements stay. Calls that run go on with the rows that they have found.</summary>
    public void ClearCache() => _governor?.Clear();

    /// <inheritdoc/>
    internal override void Passed(in RoutingReport report, RoutingBuffers routing)
    {
        if (_governor is { Cache: null } resting)
        {
            resting.Rest();
        }
    }

    private protected override RoutingReport RouteRows(
        ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context, CapacityLimit? capacity)
    {
        if (_source is null || context?.Known is not null || tokens < 1 || hidden.Length != (long)tokens * InputDim || (long)tokens * NumExperts > MostLogits)
        {
            return RouteInner(hidden, tokens, buffers, context, capacity);
        }

        if (_governor!.Cache is not { } cache)
        {
            _governor.Rest();
            return RouteInner(hidden, tokens, buffers, context, capacity);
        }

        long entered = _options.TimeProvider.GetTimestamp();
        CachedBatch batch = _batches.Rent();
        try
        {
            if (TryLook(batch, cache, hidden, tokens, entered))
            {
                context = batch.Known.Carry(context, _source.HasRaw(context), direct: ReferenceEquals(Inner, _source.Router));
            }

            return RouteInner(hidden, tokens, buffers, context, capacity);
        }
        finally
        {
            batch.End();
            _batches.Return(batch);
        }
    }

    /// <summary>Looks a batch up.</summary>
    /// <returns>Whether everything is known and the cache serves. What cannot be routed is not known: the router inside says why.</returns>
    private bool TryLook(CachedBatch batch, RowCache cache, ReadOnlySpan<float> hidden, int tokens, long entered)
    {
        bool sampled = _governor!.Samples(cache, out bool plainFirst);
        try
        {
            double plain = 0;
            long start = entered;
            if (sampled && plainFirst)
            {
                plain = TimePlain(batch, hidden, tokens);
                start = _options.TimeProvider.GetTimestamp();
            }

            batch.Look(cache, _source!, hidden, tokens, entered);
            if (cache.Serves || sampled)
            {
                batch.Complete(_source!, hidden);
            }

            Count(batch, cache);
            if (sampled)
            {
                double cached = TimeCached(batch, cache, hidden, tokens, start);
                Add(cache, new CacheSample(tokens, batch.Hits, plainFirst ? plain : TimePlain(batch, hidden, tokens), cached));
            }

            return cache.Serves;
        }
        catch (Exception error) when (error is DynamicMoEException or ObjectDisposedException or OutOfMemoryException)
        {
            return false;
        }
        finally
        {
            batch.Abandon(cache);
        }
    }

    private void Count(CachedBatch batch, RowCache cache)
    {
        cache.Record(batch.Hits, batch.Misses, batch.Returned, batch.Distinct);
        Interlocked.Add(ref _hits, batch.Hits);
        Interlocked.Add(ref _misses, batch.Misses);
        if (batch.Shared > 0)
        {
            Interlocked.Add(ref _shared, batch.Shared);
        }
    }

    // Both ways decide the same rows and learn nothing. Whichever comes second finds the rows in the processor's cache and threads awake, so that
    // the order changes from sample to sample.
    private double TimePlain(CachedBatch batch, ReadOnlySpan<float> hidden, int tokens) => TimeProbe(batch, hidden, tokens, null);

    // Looking up began at start and has just ended.
    private double TimeCached(CachedBatch batch, RowCache cache, ReadOnlySpan<float> hidden, int tokens, long start)
    {
        double looking = _options.TimeProvider.GetElapsedTime(start).TotalNanoseconds;
        if (!cache.Serves)
        {
            batch.ComputeAll(_source!, hidden, tokens);
        }

        return looking + TimeProbe(batch, hidden, tokens, batch.Known);
    }

    private double TimeProbe(CachedBatch batch, ReadOnlySpan<float> hidden, int tokens, KnownRows? known)
    {
        RoutingBuffers buffers = batch.Scratch.Routing(_source!.Router, tokens, withLogits: false);
        long start = _options.TimeProvider.GetTimestamp();
        _source.Router.Probe(hidden, tokens, null, ScoreSource.RouterMargin, buffers, known);
        return _options.TimeProvider.GetElapsedTime(start).TotalNanoseconds;
    }

    // A clock that jumped between two looks at it measured nothing.
    private void Add(RowCache cache, CacheSample sample)
    {
        if (sample is { Plain: > 0, Cached: >= 0 })
        {
            _governor!.Add(cache, sample, _options.TimeProvider.GetTimestamp());
        }
    }
}
