using System.Globalization;
using System.Text;
using DynamicMoE.Cli.Models;
using DynamicMoE.Peers.Bars;
using DynamicMoE.Peers.Questions;
using DynamicMoE.Peers.Results;

namespace DynamicMoE.Peers.Report;

/// <summary>Results as a page: where and how, what was required and reached, every cell.</summary>
internal sealed class MarkdownReport(PeersReport report)
{
    private static readonly string[] Shapes = [.. LayerShape.All.Select(shape => shape.Name)];
    private static readonly string[] Formats = [.. WeightFormats.Names];

    private readonly LayerCell[] _cells =
    [
        .. report.Cells
            .OrderBy(cell => cell.Threads)
            .ThenBy(cell => Rank(Shapes, cell.Shape))
            .ThenBy(cell => cell.Shape, StringComparer.Ordinal)
            .ThenBy(cell => Rank(Formats, cell.Format))
            .ThenBy(cell => cell.Tokens),
    ];

    /// <param name="plots">Image file of each number of threads.</param>
    public string Text(IReadOnlyDictionary<int, string> plots)
    {
        var text = new StringBuilder();
        text.Append("# The layer beside the machine's limits and other implementations\n\n");
        text.Append("Made by `benchmarks/DynamicMoE.Peers`, whose README says what is compared and how. Ratio = peer over ours: above 1, ours is faster.\n\n");
        Where(text);
        Bars(text);
        foreach (int threads in _cells.Select(cell => cell.Threads).Distinct())
        {
            text.Append(CultureInfo.InvariantCulture, $"## {Threads(threads)}\n\n");
            if (plots.TryGetValue(threads, out string? plot))
            {
                text.Append(CultureInfo.InvariantCulture, $"![Achieved and possible rates, {Threads(threads)}]({plot})\n\n");
            }

            text.Append(Cells([.. _cells.Where(cell => cell.Threads == threads)])).Append('\n');
        }

        Peers(text);
        Questions(text);
        return text.ToString();
    }

    private void Where(StringBuilder text)
    {
        BenchMachine machine = report.Machine;
        text.Append("## Machine and commands\n\n");
        text.Append(CultureInfo.InvariantCulture, $"{machine.Cpu}, {machine.LogicalCpus} logical processors, level {machine.Isa}, ");
        text.Append(CultureInfo.InvariantCulture, $"{machine.L3Bytes / 1048576} MiB L3; library {machine.LibraryVersion}; ");
        text.Append(string.Join(", ", report.Versions.Select(version => $"{version.Key} {version.Value}")));
        double[] loads = [.. _cells.Select(cell => cell.Load).OfType<double>()];
        text.Append(loads.Length == 0 ? ".\n\n" : FormattableString.Invariant($". Load average {loads.Min():0.0} to {loads.Max():0.0}, this program included.\n\n"));
        text.Append("```\n").AppendJoin('\n', report.Commands.Select(command => "DynamicMoE.Peers " + command)).Append("\n```\n\n");
        text.Append("Limits, measured beside each shape and format (smallest to largest):\n\n");
        var table = new MarkdownTable("Threads", "f32 GFLOP/s", "bf16 GFLOP/s", "int8 GOP/s", "Read GB/s");
        foreach (IGrouping<int, LayerLimits> limits in _cells.Select(cell => cell.Limits).Distinct().GroupBy(limits => limits.Threads))
        {
            table.Add($"{limits.Key}", Range(limits, l => l.Float32Flops), Range(limits, l => l.Bfloat16Flops), Range(limits, l => l.Int8Ops), Range(limits, l => l.ReadBytesPerSecond));
        }

        text.Append(table).Append('\n');
    }

    private void Bars(StringBuilder text)
    {
        text.Append("## What is required\n\n");
        var table = new MarkdownTable("Bar", "Required", "Holds", "Cells", "Fails in (figure)");
        foreach (IGrouping<(int Number, string Text), Bar> bars in report.Bars.GroupBy(bar => (bar.Number, bar.Text)).OrderBy(group => group.Key.Number))
        {
            Bar[] failing = [.. bars.Where(bar => !bar.Holds)];
            table.Add(
                $"{bars.Key.Number}",
                bars.Key.Text,
                $"{bars.Count() - failing.Length}",
                $"{bars.Count()}",
                string.Join(", ", failing.Select(bar => FormattableString.Invariant($"{bar.Shape} {bar.Format} T={bar.Tokens} {bar.Threads}t ({bar.Reached:0.00}{(bar.Void ? ", void" : "")})"))));
        }

        text.Append(table).Append('\n');
        text.Append("The floor of a cell is the larger of two times: bytes of the distinct active experts over the read bandwidth (0 where all experts fit into half of L3), ");
        text.Append("operations over the peak of the format's instruction. Decoding bars (T = 1 and 8) are for layers whose experts take 8 times L3 or more.\n\n");
        Doubts(text, "These cells exceed a limit by more than 2 %, so that they are void and none of their bars holds: ", cell => LayerBars.VoidsRun(cell, report.Machine.L3Bytes));
        Doubts(
            text,
            "These cells exceed the read bandwidth because part of their experts stays in L3; no decoding bar is for them: ",
            cell => cell.ByteShare > LayerBars.LargestShare && !LayerBars.VoidsRun(cell, report.Machine.L3Bytes));
    }

    private void Doubts(StringBuilder text, string sentence, Func<LayerCell, bool> belongs)
    {
        LayerCell[] cells = [.. _cells.Where(belongs)];
        if (cells.Length > 0)
        {
            text.Append(sentence).AppendJoin(", ", cells.Select(cell => FormattableString.Invariant($"{cell.Shape} {cell.Format} T={cell.Tokens} {cell.Threads}t ({cell.ShareOfLimit:0.00})"))).Append(".\n\n");
        }
    }

    private MarkdownTable Cells(LayerCell[] cells)
    {
        var table = new MarkdownTable(
            "Shape", "Format", "T", "Experts", "Ours ms", "GFLOP/s", "GB/s", "Floor ms", "% of limit", "By", "Fastest peer", "Peer ms", "Ratio", "ggml %", "Ratio by share", "Bars");
        foreach (LayerCell cell in cells)
        {
            PeerTiming? peer = cell.Peers.MinBy(timing => timing.Ratio);
            table.Add(
                cell.Shape,
                cell.Format,
                $"{cell.Tokens}",
                $"{cell.DistinctExperts:0.#}",
                ResultTable.Milliseconds(cell.Milliseconds),
                $"{cell.Gflops:0}",
                $"{cell.GbPerS:0.0}",
                ResultTable.Milliseconds(cell.FloorMilliseconds),
                Percent(cell.ShareOfLimit),
                cell.Binds,
                peer?.Name ?? "",
                peer is null ? "" : ResultTable.Milliseconds(peer.Milliseconds),
                peer is null ? "" : $"{peer.Ratio:0.00}",
                GgmlFigures.Of(cell) is { } ggml ? Percent(ggml.Share) : "",
                GgmlFigures.Ratio(cell) is double byShare ? $"{byShare:0.00}" : "",
                string.Join(' ', report.Bars.Where(bar => bar.IsOf(cell) && bar.Number <= 2).Select(Mark).Distinct()));
        }

        return table;
    }

    private static string Mark(Bar bar) => bar.Holds ? $"{bar.Number}" : bar.Void ? $"**{bar.Number} void**" : $"**not {bar.Number}**";

    private void Peers(StringBuilder text)
    {
        text.Append("## Every peer\n\n");
        text.Append("Error: the largest |y - reference| / |reference| of 8 tokens against double precision, with the weights as the format holds them.\n\n");
        var table = new MarkdownTable("Shape", "Format", "T", "Threads", "Peer", "ms", "Ratio", "Error", "Our error");
        foreach (LayerCell cell in _cells)
        {
            foreach (PeerTiming peer in cell.Peers)
            {
                table.Add(
                    cell.Shape, cell.Format, $"{cell.Tokens}", $"{cell.Threads}", peer.Name, ResultTable.Milliseconds(peer.Milliseconds), $"{peer.Ratio:0.00}",
                    $"{peer.RelativeError:0.0e+0}", $"{cell.RelativeError:0.0e+0}");
            }

            foreach (string refused in cell.Refused)
            {
                table.Add(cell.Shape, cell.Format, $"{cell.Tokens}", $"{cell.Threads}", $"refused: {refused}", "", "", "", $"{cell.RelativeError:0.0e+0}");
            }
        }

        text.Append(table).Append('\n');
        text.Append("ggml % in the tables above: the share of its own floor that ggml's mul_mat_id reached on another machine (2-core AMD Zen 5, two threads, 2026-11-23) ");
        text.Append("in the cells where it was the fastest peer. It was not measured here: its times do not compare with these, so that the ratio by share, our % of limit ");
        text.Append("over its, takes the place of a quotient of times. Bar 2 goes by the smaller of the two ratios.\n\n");
    }

    private void Questions(StringBuilder text)
    {
        if (report.Overhead.Count > 0)
        {
            var table = new MarkdownTable("Shape", "Format", "T", "Threads", "Layer ms", "Router ms", "Width 0 ms", "Router %", "Routing + plan + combine %");
            foreach (BatchOverhead row in report.Overhead)
            {
                table.Add(
                    row.Shape, row.Format, $"{row.Tokens}", $"{row.Threads}", ResultTable.Milliseconds(row.LayerMilliseconds), ResultTable.Milliseconds(row.RouteMilliseconds),
                    ResultTable.Milliseconds(row.RestMilliseconds), Percent(row.RouteShare, "0.0"), Percent(row.RestShare, "0.0"));
            }

            text.Append("## Beside the experts\n\n").Append(table).Append('\n');
        }

        if (report.Routing.Count > 0)
        {
            var table = new MarkdownTable("Shape", "Format", "Threads", "Routing of one token between layer calls, us", "Router bytes / bandwidth, us");
            foreach (TokenRouting row in report.Routing)
            {
                table.Add(row.Shape, row.Format, $"{row.Threads}", $"{row.Microseconds:0.0}", $"{row.FloorMicroseconds:0.0}");
            }

            text.Append(table).Append('\n');
            text.Append("Of the router's call alone: plan and combine of one token are not in these times.\n\n");
        }

        if (report.Dynamic.Count > 0)
        {
            var table = new MarkdownTable("Shape", "Format", "T", "Threads", "Rule", "Experts per token", "Static k = 2 ms", "Dynamic ms", "Quotient");
            foreach (DynamicCount row in report.Dynamic)
            {
                table.Add(
                    row.Shape, row.Format, $"{row.Tokens}", $"{row.Threads}", row.Rule, $"{row.MeanExperts:0.00}", ResultTable.Milliseconds(row.StaticMilliseconds),
                    ResultTable.Milliseconds(row.DynamicMilliseconds), $"{row.Quotient:0.00}");
            }

            text.Append("## Dynamic counts\n\n").Append(table).Append('\n');
        }
    }

    private static int Rank(string[] order, string name) => Array.IndexOf(order, name) is int rank and >= 0 ? rank : order.Length;

    private static string Threads(int count) => count == 1 ? "One thread" : $"{count} threads";

    private static string Percent(double share, string format = "0") => (100 * share).ToString(format, CultureInfo.InvariantCulture);

    private static string Range(IEnumerable<LayerLimits> limits, Func<LayerLimits, double> figure)
    {
        double[] values = [.. limits.Select(figure)];
        return FormattableString.Invariant($"{values.Min() / 1e9:0} to {values.Max() / 1e9:0}");
    }
}
