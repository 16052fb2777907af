using System.Globalization;
using DynamicMoE.Peers.Bars;

namespace DynamicMoE.Peers.Results;

/// <summary>Cells as lines of plain text, written as they come.</summary>
internal static class ResultTable
{
    public static string Header { get; } = Line(
        "shape", "format", "threads", "tokens", "ours ms", "GFLOP/s", "GB/s", "limit %", "by", "peer ms", "ratio", "error", "bars", "peer");

    public static string Of(LayerCell cell, IEnumerable<Bar> bars)
    {
        PeerTiming? peer = cell.Peers.MinBy(timing => timing.Ratio);
        return Line(
            cell.Shape,
            cell.Format,
            $"{cell.Threads}",
            $"{cell.Tokens}",
            Milliseconds(cell.Milliseconds),
            $"{cell.Gflops:f0}",
            $"{cell.GbPerS:f1}",
            $"{100 * cell.ShareOfLimit:f0}",
            cell.Binds,
            peer is null ? "-" : Milliseconds(peer.Milliseconds),
            peer is null ? "-" : $"{peer.Ratio:f2}",
            $"{cell.RelativeError:0.0e+0}",
            string.Concat(bars.Select(bar => bar.Holds ? '+' : '-')),
            peer?.Name ?? string.Join("; ", cell.Refused));
    }

    public static string Milliseconds(double value) => value.ToString(value < 10 ? "f3" : "f1", CultureInfo.InvariantCulture);

    private static string Line(
        string shape, string format, string threads, string tokens, string ours, string gflops, string bytes, string limit, string by,
        string peer, string ratio, string error, string bars, string name) =>
        $"{shape,-5}  {format,-6}  {threads,7}  {tokens,6}  {ours,8}  {gflops,7}  {bytes,6}  {limit,7}  {by,-5}  {peer,8}  {ratio,6}  {error,7}  {bars,-4}  {name}";
}
