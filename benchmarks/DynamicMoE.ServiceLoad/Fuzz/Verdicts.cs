using System.Collections.Concurrent;
using System.Globalization;

namespace DynamicMoE.ServiceLoad.Fuzz;

/// <summary>What came of fuzzed requests.</summary>
internal sealed class Verdicts
{
    /// <summary>A version of HTTP that does not exist is answered so by the web server, as RFC 9110 (15.6.6) has it: no failure of the service.</summary>
    private const int VersionNotSupported = 505;

    private readonly ConcurrentDictionary<int, long> _statuses = [];
    private long _silent;
    private long _hung;

    /// <summary>Requests that were answered by nothing but the end of their connection.</summary>
    public long Silent => Interlocked.Read(ref _silent);

    /// <summary>Requests whose connection neither answered nor ended in time.</summary>
    public long Hung => Interlocked.Read(ref _hung);

    public string? Example { get; private set; }

    public long Failures => _statuses.Where(s => s.Key is >= 500 and not VersionNotSupported).Sum(s => s.Value);

    public long Of(int status) => _statuses.GetValueOrDefault(status);

    public long Versions => Of(VersionNotSupported);

    public string Describe() => string.Join(", ", _statuses.OrderBy(s => s.Key).Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key}: {s.Value}")));

    public void Answered(int status, Func<string> request)
    {
        _statuses.AddOrUpdate(status, 1, static (_, count) => count + 1);
        if (status is >= 500 and not VersionNotSupported)
        {
            Example ??= $"{status} to {request()}";
        }
    }

    public void AddSilent() => Interlocked.Increment(ref _silent);

    public void AddHung(Func<string> request)
    {
        Interlocked.Increment(ref _hung);
        Example ??= $"nothing to {request()}";
    }
}
