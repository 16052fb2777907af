namespace DynamicMoE;

/// <summary>
/// Decides from samples whether a cache serves, measures or rests, and how large it is. Sampled calls are spread by a mixed counter, so that they
/// do not fall in step with a pattern of the calls.
/// </summary>
internal sealed class CacheGovernor
{
    internal const int SamplesPerWindow = 64;

    /// <summary>Calls per sample before the first verdict and while measuring.</summary>
    internal const int MeasuringInterval = 8;

    /// <summary>Calls per sample while serving.</summary>
    internal const int ServingInterval = 64;

    /// <summary>Windows that measuring takes at most.</summary>
    internal const int MeasuringWindows = 4;

    /// <summary>Calls that are handed on as they are after the first time that measuring found no benefit; twice as many after each further time.</summary>
    internal const int FirstRest = 4096;

    /// <summary>Windows of serving after which the next rest is a short one again.</summary>
    private const int SteadyWindows = 16;

    private const int LongestRest = FirstRest << 10;

    private readonly Lock _gate = new();
    private readonly CacheOptions _options;
    private readonly CacheSizing _sizing;
    private readonly long _timeToLive;
    private readonly CacheSample[] _samples = new CacheSample[SamplesPerWindow];
    private int _sampled;
    private int _windows;
    private int _size;
    private int _rest = FirstRest;
    private long _resting;
    private uint _calls;
    private RowCache? _cache;
    private CacheVerdict? _verdict;
    private bool? _pays;
    private volatile bool _judged;

    internal CacheGovernor(CacheOptions options)
    {
        _options = options;
        _sizing = new CacheSizing(options.LeastSize, options.Size);
        _timeToLive = (long)(options.TimeToLive.TotalSeconds * options.TimeProvider.TimestampFrequency);
        _size = options.Size;
        _cache = Make(options.Mode == CacheMode.Serve);
    }

    /// <summary>The cache to look into, or null while resting.</summary>
    internal RowCache? Cache => Volatile.Read(ref _cache);

    /// <summary>The last verdict, and the last that could tell whether the cache pays; null before the first.</summary>
    internal (CacheVerdict? Verdict, bool? Pays) Judgement
    {
        get
        {
            lock (_gate)
            {
                return (_verdict, _pays);
            }
        }
    }

    internal int Size => Volatile.Read(ref _size);

    internal CacheState State => Cache is not { } cache ? CacheState.Resting : cache.Serves ? CacheState.Serving : CacheState.Measuring;

    /// <summary>Whether to time this call.</summary>
    /// <param name="cache">What the call looks into.</param>
    /// <param name="plainFirst">[out] Which way to time first; changes from sample to sample.</param>
    internal bool Samples(RowCache cache, out bool plainFirst)
    {
        uint interval = cache.Serves && _judged ? (uint)ServingInterval : MeasuringInterval;

        // Murmur's finaliser: calls in sequence become numbers without one.
        uint mixed = Interlocked.Increment(ref _calls) * 0x9E3779B9u;
        mixed = (mixed ^ (mixed >> 16)) * 0x85EBCA6Bu;
        mixed ^= mixed >> 13;
        plainFirst = mixed >> 31 == 0;
        return (mixed & (interval - 1)) == 0;
    }

    /// <summary>Counts a call that was handed on while resting.</summary>
    internal void Rest()
    {
        if (Interlocked.Decrement(ref _resting) > 0)
        {
            return;
        }

        lock (_gate)
        {
            if (_cache is null)
            {
                Begin(serves: false);
            }
        }
    }

    /// <summary>Takes a sample into account.</summary>
    /// <param name="cache">What it was taken of; one that is gone does not count.</param>
    /// <param name="sample">The sample.</param>
    /// <param name="now">Timestamp.</param>
    internal void Add(RowCache cache, CacheSample sample, long now)
    {
        lock (_gate)
        {
            if (!ReferenceEquals(cache, _cache))
            {
                return;
            }

            _samples[_sampled++] = sample;
            if (_sampled == SamplesPerWindow)
            {
                _sampled = 0;
                Decide(cache, CacheVerdict.Of(_samples), cache.EndWindow(now));
            }
        }
    }

    /// <summary>Forgets every row. What is being computed is finished, and not kept.</summary>
    internal void Clear()
    {
        lock (_gate)
        {
            if (_cache is { } cache)
            {
                Volatile.Write(ref _cache, Make(cache.Serves));
                _sampled = 0;
            }
        }
    }

    private RowCache Make(bool serves) => new(serves, _size, _options.Size, _timeToLive, _options.TimeProvider.GetTimestamp());

    private void Decide(RowCache cache, CacheVerdict verdict, CacheWindow window)
    {
        bool? paid = _pays;
        _verdict = verdict;
        _pays = verdict.Pays ?? _pays;
        _judged = true;
        _windows++;
        if (_pays != paid)
        {
            Report(verdict, window);
        }

        if (_options.Mode == CacheMode.Measure && Moves(cache, verdict))
        {
            return;
        }

        int size = _options.Adaptive ? _sizing.Next(window, verdict) : window.Size;
        if (size != window.Size)
        {
            Volatile.Write(ref _size, size);
            cache.Resize(size);
        }
    }

    // Serving begins at a clear benefit and ends without any; measuring ends after some windows. A cache that is filling is worth less than later,
    // so that neither is judged by its first windows.
    private bool Moves(RowCache cache, CacheVerdict verdict)
    {
        if (!cache.Serves && verdict.PaysClearly)
        {
            Begin(serves: true);
            return true;
        }

        if ((cache.Serves && verdict.Pays != false) || _windows < MeasuringWindows)
        {
            return false;
        }

        _rest = _windows >= SteadyWindows ? FirstRest : _rest;
        _resting = _rest;
        _rest = Math.Min(2 * _rest, LongestRest);
        Volatile.Write(ref _cache, null);
        return true;
    }

    private void Begin(bool serves)
    {
        _windows = 0;
        _sampled = 0;
        Volatile.Write(ref _cache, Make(serves));
    }

    private void Report(CacheVerdict verdict, CacheWindow window)
    {
        if (_options.Logger is { } logger)
        {
            double rate = (double)window.Hits / Math.Max(1, window.Hits + window.Misses);
            if (_pays == true)
            {
                Log.CachePays(logger, verdict.Plain, verdict.Cached, rate);
            }
            else
            {
                Log.CacheDoesNotPay(logger, verdict.Plain, verdict.Cached, rate);
            }
        }
    }
}
