using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace DynamicMoE.Benchmarks.Monitoring;

/// <summary>Who listens while calls are measured.</summary>
internal enum Listening
{
    /// <summary>Nobody: window, breaker and alerts alone.</summary>
    Nobody,

    /// <summary>Every metric is collected.</summary>
    Metrics,

    /// <summary>Every metric is collected and every span sampled.</summary>
    MetricsAndSpans,
}

/// <summary>Listeners that do no more than the runtime asks of them.</summary>
internal sealed class Listeners : IDisposable
{
    private readonly MeterListener? _metrics;
    private readonly ActivityListener? _spans;
    private double _sum;

    public Listeners(Listening listening)
    {
        if (listening != Listening.Nobody)
        {
            _metrics = new MeterListener
            {
                InstrumentPublished = static (instrument, listener) =>
                {
                    if (instrument.Meter.Name == MoEMetrics.MeterName)
                    {
                        listener.EnableMeasurementEvents(instrument);
                    }
                },
            };
            _metrics.SetMeasurementEventCallback<double>((_, value, _, _) => _sum += value);
            _metrics.SetMeasurementEventCallback<long>((_, value, _, _) => _sum += value);
            _metrics.SetMeasurementEventCallback<int>((_, value, _, _) => _sum += value);
            _metrics.Start();
        }

        if (listening == Listening.MetricsAndSpans)
        {
            _spans = new ActivityListener
            {
                ShouldListenTo = source => source.Name == MoETraces.SourceName,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            };
            ActivitySource.AddActivityListener(_spans);
        }
    }

    public void Dispose()
    {
        _metrics?.Dispose();
        _spans?.Dispose();
    }
}
