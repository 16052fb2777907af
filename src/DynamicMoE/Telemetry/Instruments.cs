using System.Diagnostics.Metrics;

namespace DynamicMoE;

/// <summary>The meter of the library and its instruments. Tags are drawn from small sets, so that the number of series is bounded.</summary>
internal static class Instruments
{
    internal const string MeterName = MoEMetrics.MeterName;

    /// <summary>Values of a label that get a series of their own; later ones share one.</summary>
    internal const int MostNames = 32;

    /// <summary>Tag: the arbiter's name.</summary>
    internal const string BudgetTag = "budget";

    /// <summary>Tag: the monitored router's name.</summary>
    internal const string RouterTag = "router";

    /// <summary>Tag: the input that decided.</summary>
    internal const string DecidedByTag = "decided_by";

    private const string OtherName = "other";

    internal static readonly Meter Meter = new(MoEMetrics.MeterName);
    private static readonly Lock s_gate = new();
    private static readonly Dictionary<string, HashSet<string>> s_names = new() { [BudgetTag] = [], [RouterTag] = [] };

    /// <summary>Counter, decisions: changes of the budget by the input that decided.</summary>
    internal static readonly Counter<long> BudgetDecisions = Meter.CreateCounter<long>(
        "dynamicmoe.budget.decisions", "{decision}", "Changes of the budget, by the input that decided.");

    /// <summary>Gauge, seconds: 95th percentile of a forward call over the window.</summary>
    internal static readonly Gauge<double> ForwardP95 = Meter.CreateGauge<double>(
        "dynamicmoe.forward.p95", "s", "95th percentile of a forward call over the last minute.");

    /// <summary>The name as the value of a label: itself for the first names seen with this label, else one that the others share.</summary>
    internal static string TagOf(string label, string name)
    {
        lock (s_gate)
        {
            HashSet<string> names = s_names[label];
            return names.Contains(name) || (names.Count < MostNames && names.Add(name)) ? name : OtherName;
        }
    }
}
