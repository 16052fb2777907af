namespace DynamicMoE.Peers;

/// <summary>Cells as lines of plain text, written as they come.</summary>
internal static class ResultTable
{
    public static string Header { get; } = Line("shape", "format", "threads", "tokens", "ours ms", "peer ms", "ratio", "GFLOP/s", "GB/s", "error", "peer error", "peer");

    public static IEnumerable<string> Lines(CellResult cell) =>
        cell.Peers.Select(peer => Line(
            cell.Shape,
            cell.Format,
            $"{cell.Threads}",
            $"{cell.Tokens}",
            Milliseconds(cell.Ours.Milliseconds),
            Milliseconds(peer.Timing.Milliseconds),
            $"{peer.Ratio:f2}",
            $"{cell.Gflops:f0}",
            $"{cell.GbPerS:f1}",
            $"{cell.Ours.RelativeError:0.0e+0}",
            $"{peer.Timing.RelativeError:0.0e+0}",
            peer.Name));

    private static string Milliseconds(double value) => value < 10 ? $"{value:f3}" : $"{value:f1}";

    private static string Line(
        string shape, string format, string threads, string tokens, string ours, string peer, string ratio, string gflops, string bytes, string error, string peerError, string name) =>
        $"{shape,-5}  {format,-6}  {threads,7}  {tokens,6}  {ours,8}  {peer,8}  {ratio,6}  {gflops,7}  {bytes,6}  {error,7}  {peerError,10}  {name}";
}
