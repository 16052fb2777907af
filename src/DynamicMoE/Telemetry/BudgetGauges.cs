using System.Diagnostics.Metrics;

namespace DynamicMoE;

/// <summary>Gauges of budgets, read whenever somebody collects, so that they are there before anything changes. Of arbiters with one name the one that was made last counts, while it
/// has a router.</summary>
internal static class BudgetGauges
{
    /// <summary>Gauge, experts per token: budget in force over all layers.</summary>
    internal static readonly ObservableGauge<double> Effective = Instruments.Meter.CreateObservableGauge(
        "dynamicmoe.budget.effective", () => Measure(static arbiter => arbiter.Decision.Effective), "{expert}", "Mean experts per token that is in force.");

    /// <summary>Gauge, layers: budgets that have been missed for 200 batches.</summary>
    internal static readonly ObservableGauge<int> Missed = Instruments.Meter.CreateObservableGauge(
        "dynamicmoe.budget.missed_layers", () => Measure(static arbiter => arbiter.Health.MissedLayers), "{layer}", "Layers whose realised mean has missed the budget for 200 batches.");

    /// <summary>Gauge, layers: budgets that no threshold gives.</summary>
    internal static readonly ObservableGauge<int> Unattainable = Instruments.Meter.CreateObservableGauge(
        "dynamicmoe.budget.unattainable_layers", () => Measure(static arbiter => arbiter.Health.UnattainableLayers), "{layer}", "Layers whose budget no threshold gives.");

    private static readonly Lock s_gate = new();

    // In the order in which they were made. Whoever forgets an arbiter is not kept from freeing it.
    private static readonly List<WeakReference<BudgetArbiter>> s_arbiters = [];

    /// <summary>From now on the gauges have this arbiter.</summary>
    internal static void Watch(BudgetArbiter arbiter)
    {
        lock (s_gate)
        {
            s_arbiters.RemoveAll(static reference => !reference.TryGetTarget(out _));
            s_arbiters.Add(new WeakReference<BudgetArbiter>(arbiter));
        }
    }

    private static List<Measurement<T>> Measure<T>(Func<BudgetArbiter, T> read)
        where T : struct
    {
        WeakReference<BudgetArbiter>[] all;
        lock (s_gate)
        {
            all = [.. s_arbiters];
        }

        var values = new List<Measurement<T>>();
        var names = new HashSet<string>();
        foreach (WeakReference<BudgetArbiter> reference in all.Reverse())
        {
            if (reference.TryGetTarget(out BudgetArbiter? arbiter) && arbiter.HasRouters && names.Add(arbiter.Tag))
            {
                values.Add(new Measurement<T>(read(arbiter), new KeyValuePair<string, object?>(Instruments.BudgetTag, arbiter.Tag)));
            }
        }

        return values;
    }
}
