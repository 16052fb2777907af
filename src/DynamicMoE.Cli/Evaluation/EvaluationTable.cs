using System.Globalization;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Evaluation;

/// <summary>The evaluation for people: two lines about what was run, then the table.</summary>
internal static class EvaluationTable
{
    /// <summary>Writes it.</summary>
    public static void Write(ToolConsole console, EvaluationReport report)
    {
        (EvaluationModelInfo model, EvaluationTextInfo text, EvaluationMachineInfo machine) = (report.Model, report.Text, report.Machine);
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{model.Name} ({model.Family}, {model.MoeLayers} MoE layers of {model.Experts} experts, trained top-{model.TrainedExperts}, {model.Format}) on {machine.Line()}"));
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{text.Bytes:N0} bytes of {text.Source} in windows of {model.Window} tokens, {model.Batch} per batch; thresholds warmed up on {text.WarmupBytes:N0} other bytes ({text.WarmupSource})"));
        console.Out.WriteLine();

        var table = new TextTable(
            "routing", "bits\n/byte", "experts\n/token", "distinct\n/batch", "MoE\nGFLOP", "MoE\nsec", "tokens\n/s", "FLOPs\nsaved", "wall\nsaved");
        foreach (EvaluationRow row in report.Rows)
        {
            bool first = ReferenceEquals(row, report.Rows[0]);
            table.Add(
                row.Name,
                Number(row.BitsPerByte, "F4"),
                Number(row.MeanExpertsPerToken, "F3"),
                Number(row.DistinctExpertsPerBatch, "F2"),
                Number(row.MoeFlops / 1e9, "F2"),
                Number(row.MoeWallSeconds, "F3"),
                Number(row.TokensPerSecond, "N0"),
                first ? "-" : Percent(row.FlopsSaving),
                first ? "-" : Percent(row.WallSaving));
        }

        table.WriteTo(console);
        console.Out.WriteLine();
        console.Out.WriteLine($"Savings are against {report.Rows[0].Name}; all rows took each window in turn, so compare ratios within one run.");
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Percent(double share) => Number(share * 100, "F1") + "%";
}
