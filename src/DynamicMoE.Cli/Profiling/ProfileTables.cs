using System.Globalization;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Profiling;

/// <summary>Profiles and comparisons for people.</summary>
internal static class ProfileTables
{
    /// <summary>Writes a profile: a row per layer, then the parts of the work.</summary>
    public static void Write(ToolConsole console, ProfileReport report)
    {
        console.Out.WriteLine($"{report.Model.Line(report.Machine)}; {report.Routing}");
        Limits(console, report.Limits);
        console.Out.WriteLine();
        var layers = new TextTable("layer", "experts\n/token", "distinct", "MFLOP", "FLOPs\nsaved", "MB", "routing\nms", "layer\nms", "of\npeak", "of read\nbandwidth");
        foreach ((FlopProfile routing, FlopProfile layer) in report.Profiles.Chunk(2).Select(pair => (pair[0], pair[1])))
        {
            layers.Add(
                layer.Name,
                Number(layer.MeanExpertsPerToken),
                Number(layer.DistinctExperts),
                Number((layer.ProductFlops + layer.OtherFlops) / 1e6),
                Percent(layer.FlopsSaving),
                Number(layer.WeightBytes / 1e6),
                Number(1e3 * routing.Timing.MedianSeconds),
                Number(1e3 * layer.Timing.MedianSeconds),
                Percent(layer.Limit?.PeakShare),
                Percent(layer.Limit?.BandwidthShare));
        }

        layers.WriteTo(console);
        console.Out.WriteLine();
        var parts = new TextTable("part", "products\nMFLOP", "other\nMFLOP", "share", "weight\nMB", "activation\nMB");
        double all = report.Summary.ProductFlops + report.Summary.OtherFlops;
        foreach (ComponentCost cost in report.Summary.Components)
        {
            parts.Add(
                cost.Component, Number(cost.ProductFlops / 1e6), Number(cost.OtherFlops / 1e6), Percent(cost.Flops / all), Number(cost.WeightBytes / 1e6),
                Number(cost.ActivationBytes / 1e6));
        }

        parts.WriteTo(console);
    }

    /// <summary>Writes a comparison: all layers together, and the layers' spread.</summary>
    public static void Write(ToolConsole console, CompareReport report)
    {
        console.Out.WriteLine(report.Model.Line(report.Machine));
        Limits(console, report.Limits);
        console.Out.WriteLine();
        var table = new TextTable("routing", "experts\n/token", "MFLOP", "FLOPs\nsaved", "MB", "bytes\nsaved", "ms", "time\nratio", "output\ndifference");
        foreach (ComparisonTotal total in report.Totals)
        {
            table.Add(
                total.Name,
                Number(total.MeanExpertsPerToken),
                Number(total.ProductFlops / 1e6),
                Percent(total.FlopsSaving),
                Number(total.WeightBytes / 1e6),
                Percent(total.BytesSaving),
                Number(1e3 * total.Seconds),
                Number(total.TimeRatio),
                Number(total.MeanOutputDifference));
        }

        table.WriteTo(console);
        console.Out.WriteLine();
        console.Out.WriteLine($"{report.Model.MoeLayers} layers added up, against {report.Totals[0].Name} on the same input. --out has them one by one, with intervals and charts.");
    }

    private static void Limits(ToolConsole console, MachineLimits? limits)
    {
        if (limits is not null)
        {
            console.Out.WriteLine(FormattableString.Invariant(
                $"limits of {limits.Threads} threads: {limits.Float32Flops / 1e9:0} GFLOP/s f32, {limits.BFloat16Flops / 1e9:0} bf16, {limits.Int8Ops / 1e9:0} GOP/s int8, {limits.ReadBytesPerSecond / 1e9:0.0} GB/s read"));
        }
    }

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 1000 ? "#,0" : "G3", CultureInfo.InvariantCulture);

    private static string Percent(double? share) => share is { } value ? (100 * value).ToString("F1", CultureInfo.InvariantCulture) + "%" : "-";
}
