using System.Globalization;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Benchmarking;

/// <summary>A cell for people.</summary>
internal static class LayerTable
{
    public static void Write(ToolConsole console, LayerCell cell)
    {
        void Line(string name, string value) => console.Out.WriteLine($"{name,-9}{value}");
        Line("layer", $"{cell.Shape}: hidden {cell.Hidden}, width {cell.Width}, {cell.Experts} experts, {cell.ExpertsPerToken} per token");
        Line("cell", $"{cell.Tokens} tokens, {cell.Format}, {cell.Threads} threads; {Number(cell.DistinctExperts)} distinct experts per batch");
        Line("time", $"{Number(cell.Milliseconds)} ms, median of {cell.Repetitions}; fastest {Number(cell.FastestMilliseconds)} ms");
        Line("rate", $"{Number(cell.Gflops)} GFLOP/s, {Number(cell.GbPerS)} GB/s");
        Line("limit", $"{Number(cell.FloorMilliseconds)} ms by {cell.Binds}: {Number(100 * cell.ShareOfLimit)} % reached");
        Line("machine", $"{cell.Machine!.Cpu}, {cell.Machine.Isa}; {Number(cell.Limits.Peak(LayerFormats.Named(cell.Format)) / 1e9)} GFLOP/s, "
            + $"{Number(cell.Limits.ReadBytesPerSecond / 1e9)} GB/s read");
        foreach (string refused in cell.Refused)
        {
            Line("refused", refused);
        }

        if (cell.Peers.Count > 0)
        {
            WritePeers(console, cell);
        }
    }

    private static void WritePeers(ToolConsole console, LayerCell cell)
    {
        var table = new TextTable("peer", "ms", "ratio", "error");
        table.Add("dynamicmoe", Number(cell.Milliseconds), "1", Error(cell.RelativeError ?? 0));
        foreach (PeerTiming peer in cell.Peers)
        {
            table.Add(peer.Name, Number(peer.Milliseconds), Number(peer.Ratio), Error(peer.RelativeError));
        }

        console.Out.WriteLine();
        table.WriteTo(console);
    }

    private static string Number(double value) => value.ToString(value >= 1000 ? "F0" : "G4", CultureInfo.InvariantCulture);

    private static string Error(double value) => value.ToString("0.0e+0", CultureInfo.InvariantCulture);
}
