using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server;

/// <summary>
/// Requests per hour, of a key by its name, else of an address: an IPv6 address stands for its network of 64 bits, which one customer has whole. At most
/// <see cref="MostAddresses"/> addresses are kept apart; further ones share a limit until some are forgotten.
/// </summary>
/// <remarks>The limiters of System.Threading.RateLimiting keep one partition per caller for as long as its window lasts, however many there are, and read the
/// system's clock; that is why the middleware gets this one.</remarks>
internal sealed class CallerLimiter : PartitionedRateLimiter<HttpContext>
{
    /// <summary>Headers of every answer: the limit, and what is left of it.</summary>
    internal const string PolicyHeader = "RateLimit-Policy", LeftHeader = "RateLimit";

    /// <summary>Addresses that have a window of their own at most; a window holds 0.3 KiB.</summary>
    internal const int MostAddresses = 16_384;

    // Seconds between two looks for windows that are empty, while requests come.
    private const double LookInterval = 600;

    private readonly Lock _gate = new();
    private readonly Dictionary<Partition, HourWindow> _windows = [];
    private readonly HourWindow _shared = new();
    private readonly SecuritySettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly long _start;
    private double _swept = double.NegativeInfinity;
    private double _nextLook = LookInterval;
    private int _addresses;

    public CallerLimiter(SecuritySettings settings, TimeProvider time, ILogger logger)
    {
        (_settings, _time, _logger) = (settings, time, logger);
        _start = time.GetTimestamp();
    }

    /// <summary>Windows that are kept; for tests.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
            {
                return _windows.Count;
            }
        }
    }

    public override RateLimiterStatistics? GetStatistics(HttpContext resource) => null;

    protected override RateLimitLease AttemptAcquireCore(HttpContext resource, int permitCount)
    {
        var caller = Caller.Of(resource);
        int limit = caller.Key?.HourlyLimit ?? _settings.RateLimit;
        if (limit == 0 || (caller.Key is null && caller.IsLocal && !_settings.RateLimitLoopback))
        {
            return Lease.Free;
        }

        WindowState state;
        lock (_gate)
        {
            double now = _time.GetElapsedTime(_start).TotalSeconds;
            if (now >= _nextLook)
            {
                _nextLook = now + LookInterval;
                Forget(now);
            }

            state = Window(caller, now).Take(now, limit);
        }

        // draft-ietf-httpapi-ratelimit-headers.
        resource.Response.Headers[PolicyHeader] = string.Create(CultureInfo.InvariantCulture, $"\"hour\";q={limit};w=3600");
        resource.Response.Headers[LeftHeader] = string.Create(CultureInfo.InvariantCulture, $"\"hour\";r={state.Left};t={Math.Ceiling(state.Wait)}");
        return state.Taken ? Lease.Free : new Lease(TimeSpan.FromSeconds(state.Wait));
    }

    protected override ValueTask<RateLimitLease> AcquireAsyncCore(HttpContext resource, int permitCount, CancellationToken cancellationToken) =>
        ValueTask.FromResult(AttemptAcquireCore(resource, permitCount));

    private HourWindow Window(Caller caller, double now)
    {
        var partition = Partition.Of(caller);
        if (_windows.TryGetValue(partition, out HourWindow? window))
        {
            return window;
        }

        bool address = partition.Key is null;
        if (address && _addresses >= MostAddresses && !Sweep(now))
        {
            return _shared;
        }

        _addresses += address ? 1 : 0;
        return _windows[partition] = new HourWindow();
    }

    // At most once a minute: a window empties with the minutes.
    private bool Sweep(double now)
    {
        if (now - _swept < 60)
        {
            return _addresses < MostAddresses;
        }

        _swept = now;
        Forget(now);
        if (_addresses >= MostAddresses)
        {
            HostLog.LimiterFull(_logger);
        }

        return _addresses < MostAddresses;
    }

    private void Forget(double now)
    {
        foreach ((Partition partition, HourWindow window) in _windows)
        {
            if (window.IsEmptyAt(now))
            {
                _windows.Remove(partition);
                _addresses -= partition.Key is null ? 1 : 0;
            }
        }
    }

    /// <summary>Whose requests are counted together.</summary>
    private readonly record struct Partition(string? Key, UInt128 Network)
    {
        public static Partition Of(Caller caller) => caller.Key is { } key ? new Partition(key.Name, 0) : new Partition(null, NetworkOf(caller.Address));

        private static UInt128 NetworkOf(IPAddress? address)
        {
            if (address is null)
            {
                return 0;
            }

            Span<byte> bytes = stackalloc byte[16];
            address.MapToIPv6().TryWriteBytes(bytes, out _);
            UInt128 whole = BinaryPrimitives.ReadUInt128BigEndian(bytes);
            bool four = address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6;
            return four ? whole : whole >> 64 << 64;
        }
    }

    private sealed class Lease(TimeSpan? retryAfter) : RateLimitLease
    {
        public static Lease Free { get; } = new(null);

        public override bool IsAcquired => retryAfter is null;

        public override IEnumerable<string> MetadataNames => retryAfter is null ? [] : [MetadataName.RetryAfter.Name];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = retryAfter;
            return retryAfter is not null && metadataName == MetadataName.RetryAfter.Name;
        }
    }
}
