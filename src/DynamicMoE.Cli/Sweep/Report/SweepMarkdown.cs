using System.Text;

namespace DynamicMoE.Cli.Sweep.Report;

/// <summary>The page of a sweep.</summary>
internal sealed class SweepMarkdown(SweepReport report)
{
    private readonly StringBuilder _text = new();

    /// <summary>Makes the page.</summary>
    /// <param name="plot">File name of the plot beside it.</param>
    public string Text(string plot)
    {
        Line("# Which signal decides best how many experts a token gets").Line();
        Line("Written by `dmoe eval --sweep --out DIR`; do not edit. `src/DynamicMoE.Cli/README.md` has the method.").Line();
        Line($"- {SweepText.Model(report)}; {report.Machine.Cpu}, library {report.Machine.LibraryVersion}");
        Line($"- {SweepText.TextLine(report)}");
        Line($"- {SweepText.Gap(report)}.");
        Line($"- Best signal: **{report.BestSignal}** loses least, mean over the budgets (control and bound aside).").Line();
        Line($"![Bits per byte over experts per token]({plot})").Line();
        Shares();
        Rows();
        Times();
        Bars();
        return _text.ToString().TrimEnd('\n') + "\n";
    }

    // What the question asks for, by itself: signals down, budgets across.
    private void Shares()
    {
        double[] budgets = [.. report.Rows.Select(row => row.Budget).OfType<double>().Distinct().Order()];
        Line("## Share of the gap that is lost").Line();
        Line("Of the gap above, at the mean number of experts per token in the head; in brackets the upper end of the 95 % interval.").Line();
        Header(["signal", "weights", .. budgets.Select(budget => SweepText.Number(budget, "0.0##"))]);
        foreach (IGrouping<(string Signal, string Weighting), SweepRow> signal in report.Rows
            .Where(row => row.Budget is not null)
            .GroupBy(row => (row.Signal, row.Weighting))
            .OrderBy(signal => signal.Sum(row => row.Loss)))
        {
            Cells([signal.Key.Signal, signal.Key.Weighting, .. budgets.Select(budget => Share(signal.FirstOrDefault(row => row.Budget == budget)))]);
        }

        Line();
    }

    private void Rows()
    {
        Line("## All rows").Line();
        Header(["routing", "weights", "experts/token", "bits/byte", "loss", "std. error", "share of gap", "95 % upper", "std. errors below random"]);
        foreach (SweepRow row in report.Rows)
        {
            Cells(SweepText.Cells(row));
        }

        Line();
    }

    private void Times()
    {
        Line("## Time in the MoE layers").Line();
        Line($"Windows of {report.Model.Window} tokens in passes of {report.Model.Batch}; rows take turns, medians over windows.").Line();
        Header(["routing", "experts/token", "seconds", "ratio"]);
        foreach (SweepTime time in report.Times)
        {
            Cells(SweepText.Cells(time));
        }

        Line();
    }

    private void Bars()
    {
        Line("## Limits").Line();
        Header(["limit", "experts/token", "found", "allowed", "met"]);
        foreach (SweepBar bar in report.Bars)
        {
            string allowed = (bar.Name == SweepBars.ErrorsBelowRandom ? "> " : "<= ") + SweepText.Number(bar.Limit, "0.0##");
            Cells([bar.Name, SweepText.Number(bar.Budget, "0.0##"), SweepText.Number(bar.Value, "0.0##"), allowed, bar.Met ? "yes" : "no"]);
        }
    }

    private static string Share(SweepRow? row) =>
        row is null ? "-" : $"{SweepText.Percent(row.ShareOfGap)} ({SweepText.Percent(row.ShareOfGapUpper)})";

    private void Header(string[] names)
    {
        Cells(names);
        Cells([.. names.Select((_, i) => i == 0 ? "---" : "---:")]);
    }

    private void Cells(string[] cells) => Line($"| {string.Join(" | ", cells)} |");

    private SweepMarkdown Line(string text = "")
    {
        _text.Append(text).Append('\n');
        return this;
    }
}
