using System.Globalization;

namespace DynamicMoE.Cli.Sweep.Report;

/// <summary>The words and cells that table and page share.</summary>
internal static class SweepText
{
    /// <summary>Model and machine in one line.</summary>
    public static string Model(SweepReport report) => string.Create(CultureInfo.InvariantCulture,
        $"{report.Model.Name} ({report.Model.Family}, {report.Model.MoeLayers} MoE layers of {report.Model.Experts} experts, trained top-{report.Model.TrainedExperts}, {report.Model.Format}) on {report.Machine.Line()}");

    /// <summary>Text in one line.</summary>
    public static string TextLine(SweepReport report) => string.Create(CultureInfo.InvariantCulture,
        $"{report.Windows} windows of {report.WindowTokens} tokens, {report.ScoredTokens:N0} scored, spread evenly over {report.Text.Bytes:N0} bytes of {report.Text.Source}; calibrated on {report.CalibrationTokens:N0} other tokens ({report.CalibrationSource})");

    /// <summary>The gap in one line.</summary>
    public static string Gap(SweepReport report)
    {
        string gap = string.Create(CultureInfo.InvariantCulture,
            $"Gap = static top-1 as the checkpoint runs it, minus the trained rule: {report.Gap.BitsPerByte:F4} bits per byte, standard error {report.Gap.StandardError:F4}");
        if (report.Gap.BitsPerByte <= 0)
        {
            gap += ": top-1 is no worse, there is no gap to take a share of";
        }

        return report.Gap.TrainedScaleBitsPerByte is { } other
            ? string.Create(CultureInfo.InvariantCulture, $"{gap}; with top-1 at its trained weight it would be {other:F4}")
            : gap;
    }

    /// <summary>A row's cells.</summary>
    public static string[] Cells(SweepRow row) =>
    [
        row.Name,
        row.Weighting,
        Number(row.MeanExpertsPerToken, "F3"),
        Number(row.BitsPerByte, "F4"),
        Number(row.Loss, "+0.0000;-0.0000;0.0000"),
        Number(row.LossStandardError, "F4"),
        Percent(row.ShareOfGap),
        Percent(row.ShareOfGapUpper),
        row.ErrorsBelowRandom is { } errors ? Number(errors, "F1") : "-",
    ];

    /// <summary>A time's cells.</summary>
    public static string[] Cells(SweepTime time) =>
        [time.Name, Number(time.MeanExpertsPerToken, "F3"), Number(time.MoeWallSeconds, "F3"), Number(time.Ratio, "F3")];

    /// <summary>A share in percent.</summary>
    public static string Percent(double? share) => share is { } value ? Number(value * 100, "F1") + " %" : "-";

    /// <summary>A number, the same in every culture.</summary>
    public static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
