using System.Diagnostics.Metrics;

namespace DynamicMoE.Server;

/// <summary>The meter of listeners, keys and certificates. Label values come from this program alone.</summary>
internal sealed class ServerInstruments
{
    /// <summary>The meter.</summary>
    internal const string MeterName = "DynamicMoE.Server";

    private readonly Meter _meter;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _reloads;

    public ServerInstruments(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _refusals = _meter.CreateCounter<long>("dynamicmoe.server.refusals", "{request}", "Requests refused before they reached an endpoint, by reason.");
        _reloads = _meter.CreateCounter<long>("dynamicmoe.server.reloads", "{file}", "Changed key and certificate files, by result.");
    }

    public void Refused(string reason) => _refusals.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Reloaded(string file, bool taken) =>
        _reloads.Add(1, new("file", file), new KeyValuePair<string, object?>("result", taken ? "taken" : "refused"));

    public void WatchCertificate(Func<double> secondsLeft) =>
        _meter.CreateObservableGauge("dynamicmoe.server.certificate.lifetime", secondsLeft, "s", "Time until the certificate's validity ends.");
}
