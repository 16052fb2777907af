using System.Diagnostics.Metrics;

namespace DynamicMoE.Hosting.Tests.Serving;

/// <summary>Stops the engine's thread where it takes a sequence in: it tells how long the sequence waited, and a listener of that can wait.</summary>
internal sealed class EngineGate : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ManualResetEventSlim _open = new(true);
    private readonly SemaphoreSlim _entered = new(0);

    public EngineGate()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == EngineFigures.MeterName && instrument.Name == "dynamicmoe.service.queue.wait")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((_, _, _, _) =>
        {
            if (!_open.IsSet)
            {
                _entered.Release();
                _open.Wait();
            }
        });
        _listener.Start();
    }

    public void Close() => _open.Reset();

    public void Open() => _open.Set();

    /// <summary>Waits until a sequence is at the gate.</summary>
    public Task EnteredAsync() => _entered.WaitAsync();

    public void Dispose()
    {
        _open.Set();
        _listener.Dispose();
        _open.Dispose();
        _entered.Dispose();
    }
}
