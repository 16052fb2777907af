using System.Diagnostics.Metrics;

namespace DynamicMoE;

/// <summary>Instruments of experts out of service and of the guardrail.</summary>
internal static class GuardrailInstruments
{
    /// <summary>Name of the event that an activity in progress gets when an expert goes out of service.</summary>
    internal const string ExpertDisabledEvent = "dynamicmoe.expert_disabled";

    internal static readonly Counter<long> ExpertFaults = Instruments.Meter.CreateCounter<long>(
        MoEMetrics.ExpertFaults, "{expert}", "Experts taken out of service because they failed.");

    internal static readonly Histogram<double> Drift = Instruments.Meter.CreateHistogram(
        MoEMetrics.Drift, "1", "Relative L2 error of a layer's output against the trained number of experts.", null, Buckets.Errors);

    internal static readonly Histogram<double> Divergence = Instruments.Meter.CreateHistogram(
        MoEMetrics.Divergence, "{nat}", "KL divergence of next-token distributions from those at the trained number of experts.", null, Buckets.Errors);

    internal static readonly Counter<long> Dropped = Instruments.Meter.CreateCounter<long>(
        MoEMetrics.Dropped, "{token}", "Samples that found the guardrail's queue full.");

    private static readonly Counter<long> FloorChanges = Instruments.Meter.CreateCounter<long>(
        MoEMetrics.FloorChanges, "{change}", "Moves of the budget floor.");

    internal static KeyValuePair<string, object?> Layer(string name) => new("layer", name);

    internal static void FloorMoved(string layer, string direction) =>
        FloorChanges.Add(1, Layer(layer), new KeyValuePair<string, object?>("direction", direction));
}
