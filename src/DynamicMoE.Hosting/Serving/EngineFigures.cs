using System.Diagnostics.Metrics;
using DynamicMoE.Hosting.Generation;

namespace DynamicMoE.Hosting;

/// <summary>What the engine counts whatever is served, for <see cref="ServiceStats"/> and for the meter. Written by the engine, read from anywhere.</summary>
internal sealed class EngineFigures : IDisposable
{
    internal const string MeterName = "DynamicMoE.Hosting";

    private const int LatencySlots = 6;
    private const double SpeedWeight = 0.05;
    private static readonly TimeSpan s_slot = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Meter _meter;
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _wait;
    private readonly Histogram<double> _duration;
    private readonly Histogram<long> _batch;
    private readonly Counter<long> _tokens;
    private readonly LatencyHistogram _latency = new(LatencySlots);
    private long _accepted;
    private long _answered;
    private long _failed;
    private long _cancelled;
    private long _rejected;
    private long _batches;
    private long _batchTokens;
    private long _slotStart;
    private double _secondsPerToken;

    public EngineFigures(TimeProvider time, IMeterFactory? meters = null)
    {
        _time = time;
        _slotStart = time.GetTimestamp();
        _meter = meters?.Create(MeterName) ?? new Meter(MeterName);
        _requests = _meter.CreateCounter<long>("dynamicmoe.service.requests", "{request}", "Requests by what became of them.");
        _wait = _meter.CreateHistogram("dynamicmoe.service.queue.wait", "s", "Time from acceptance to the begin of the batch.", null, Buckets.Requests);
        _duration = _meter.CreateHistogram("dynamicmoe.service.request.duration", "s", "Time from acceptance to the answer.", null, Buckets.Requests);
        _batch = _meter.CreateHistogram("dynamicmoe.service.batch.tokens", "{token}", "Tokens of a batch.", null, Buckets.Tokens);
        _tokens = _meter.CreateCounter<long>("dynamicmoe.service.tokens", "{token}", "Tokens that went through the service.");
    }

    public long Batches => Interlocked.Read(ref _batches);

    public long BatchTokens => Interlocked.Read(ref _batchTokens);

    public int OverloadLevel { get; set; }

    public RequestStats Requests => new(
        Interlocked.Read(ref _accepted), Interlocked.Read(ref _answered), Interlocked.Read(ref _failed), Interlocked.Read(ref _cancelled), Interlocked.Read(ref _rejected));

    public void Accepted() => Count(ref _accepted, "accepted");

    public void Failed() => Count(ref _failed, "failed");

    public void Cancelled() => Count(ref _cancelled, "cancelled");

    public void Rejected() => Count(ref _rejected, "rejected");

    /// <summary>An item is answered.</summary>
    /// <param name="elapsed">Since its acceptance.</param>
    public void Answered(TimeSpan elapsed)
    {
        Count(ref _answered, "answered");
        _duration.Record(elapsed.TotalSeconds);
        lock (_lock)
        {
            Rotate();
            _latency.Add(elapsed.TotalSeconds);
        }
    }

    public void Waited(TimeSpan time) => _wait.Record(time.TotalSeconds);

    /// <summary>A batch was run.</summary>
    public void Ran(long tokens, TimeSpan time)
    {
        Interlocked.Increment(ref _batches);
        Interlocked.Add(ref _batchTokens, tokens);
        _batch.Record(tokens);
        _tokens.Add(tokens);
        lock (_lock)
        {
            double each = time.TotalSeconds / Math.Max(1, tokens);
            _secondsPerToken = _secondsPerToken == 0 ? each : _secondsPerToken + (SpeedWeight * (each - _secondsPerToken));
        }
    }

    public LatencyStats Latency()
    {
        lock (_lock)
        {
            Rotate();
            int count = _latency.Count;
            return count == 0
                ? new LatencyStats(0, double.NaN, double.NaN, double.NaN)
                : new LatencyStats(count, 1000 * _latency.Quantile(0.5), 1000 * _latency.Quantile(0.95), 1000 * _latency.Quantile(0.99));
        }
    }

    /// <summary>How long so many tokens take at the present speed.</summary>
    public TimeSpan TimeFor(long tokens)
    {
        lock (_lock)
        {
            return TimeSpan.FromSeconds(Math.Min(_secondsPerToken * tokens, 3600));
        }
    }

    /// <summary>Adds gauges that ask when they are read.</summary>
    public void Observe(Func<QueueStats> queue, SequenceMemory memory)
    {
        _ = _meter.CreateObservableGauge("dynamicmoe.service.sequences.memory", () => memory.Reserved, "By", "Memory reserved for keys and values of accepted sequences.");
        _ = _meter.CreateObservableGauge("dynamicmoe.service.queue.requests", () => queue().Requests, "{request}", "Requests that wait.");
        _ = _meter.CreateObservableGauge("dynamicmoe.service.queue.tokens", () => queue().Tokens, "{token}", "Tokens that wait.");
        _ = _meter.CreateObservableGauge("dynamicmoe.service.sequences", () => queue().Sequences, "{sequence}", "Sequences that are being generated.");
        _ = _meter.CreateObservableGauge("dynamicmoe.service.overload.level", () => OverloadLevel, "{step}", "Steps that overload took from the budget; 0: none.");
    }

    public void Dispose() => _meter.Dispose();

    private void Count(ref long counter, string outcome)
    {
        Interlocked.Increment(ref counter);
        _requests.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
    }

    private void Rotate()
    {
        for (int i = 0; i < LatencySlots && _time.GetElapsedTime(_slotStart) >= s_slot; i++)
        {
            _latency.Rotate();
            _slotStart += (long)(s_slot.TotalSeconds * _time.TimestampFrequency);
        }

        if (_time.GetElapsedTime(_slotStart) >= s_slot)
        {
            _slotStart = _time.GetTimestamp();
        }
    }
}
