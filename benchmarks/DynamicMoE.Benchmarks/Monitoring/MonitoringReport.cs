namespace DynamicMoE.Benchmarks.Monitoring;

/// <summary>What the command found, and where.</summary>
internal sealed record MonitoringReport(string Shape, int Rounds, string Cpu, IReadOnlyList<MonitoringRow> Rows);

/// <summary>One format under one way of listening.</summary>
/// <param name="Format">Format of the weights.</param>
/// <param name="Listening">Who listens.</param>
/// <param name="BareUs">Median of a call at one token without monitoring, microseconds.</param>
/// <param name="WarmNs">What monitoring costs per call, nanoseconds, at a layer so small that it shows, with everything in the caches.</param>
/// <param name="ColdNs">The same with caches that a call's worth of weights went through before.</param>
/// <param name="Share">Cold cost over the bare call.</param>
/// <param name="Paired">Median of the monitored call over that of the bare call that it took turns with, minus 1; noise of the machine and cold caches included.</param>
/// <param name="Control">The same for a second bare layer: the noise alone.</param>
/// <param name="BytesPerCall">Allocated on the calling thread.</param>
internal sealed record MonitoringRow(string Format, string Listening, double BareUs, double WarmNs, double ColdNs, double Share, double Paired, double Control, double BytesPerCall);
