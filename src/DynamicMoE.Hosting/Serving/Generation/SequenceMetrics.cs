using DynamicMoE.Hosting.Layers;

namespace DynamicMoE.Hosting.Generation;

/// <summary>What generated sequences do, in the instruments of monitored routers: the decoder calls its layers without those around it.</summary>
internal static class SequenceMetrics
{
    private static readonly KeyValuePair<string, object?> s_all = MonitoringInstruments.Router("sequences");

    /// <summary>A sequence's part of a batch in one layer.</summary>
    public static void Record(int layer, in RoutingReport report)
    {
        if (MonitoringInstruments.Tokens.Enabled || MonitoringInstruments.Routes.Enabled || MonitoringInstruments.ActiveExperts.Enabled)
        {
            KeyValuePair<string, object?> router = MonitoringInstruments.Router(Instruments.TagOf(Instruments.RouterTag, ServedLayer.NameOf(layer)));
            MonitoringInstruments.Tokens.Add(report.Tokens, router);
            MonitoringInstruments.Routes.Add(report.Routes, router);
            MonitoringInstruments.ActiveExperts.Record(report.DistinctExperts, router);
        }
    }

    /// <summary>Experts of each token, the mean over layers rounded.</summary>
    public static void Record(ReadOnlySpan<int> experts)
    {
        if (MonitoringInstruments.TokenExperts.Enabled)
        {
            foreach (int count in experts)
            {
                MonitoringInstruments.TokenExperts.Record(count, s_all);
            }
        }
    }
}
