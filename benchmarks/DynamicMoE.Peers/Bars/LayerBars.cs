using System.Globalization;

namespace DynamicMoE.Peers.Bars;

/// <summary>What each cell has to reach: of the machine's limit (bar 1), and beside the other implementations (bar 2).</summary>
internal static class LayerBars
{
    // Decoding reads all its experts from memory: they take eight times the third-level cache or more.
    private const int DecodeCaches = 8;
    private const double QuantizedSpeedup = 1.5, PeerSpeedup = 1.5, BatchPeerSpeedup = 2, PeerTolerance = 1.03;

    /// <summary>Largest share of a limit that can be true; above it the run does not count.</summary>
    public const double LargestShare = 1.02;

    /// <summary>Whether a cell says that limits or times were measured wrongly. Where the experts partly stay in cache, more than the bandwidth is possible.</summary>
    public static bool VoidsRun(LayerCell cell, long l3Bytes) =>
        (cell.ByteShare > LargestShare && IsDecodedFromMemory(cell, l3Bytes)) || (cell.Binds == LayerFloor.Flops && cell.ShareOfLimit > LargestShare);

    /// <summary>Whether decoding this layer is bound to read every expert from memory.</summary>
    public static bool IsDecodedFromMemory(LayerCell cell, long l3Bytes) => cell.ExpertBytes >= DecodeCaches * l3Bytes;

    /// <summary>All bars of all cells.</summary>
    public static IEnumerable<Bar> Of(IReadOnlyList<LayerCell> cells, long l3Bytes) =>
        cells.SelectMany(cell => Limit(cell, cells, l3Bytes).Concat(Peers(cell)).Select(bar => VoidsRun(cell, l3Bytes) ? bar.AsVoid() : bar));

    private static IEnumerable<Bar> Limit(LayerCell cell, IReadOnlyList<LayerCell> cells, long l3Bytes)
    {
        if (LimitShare(cell, l3Bytes) is double share)
        {
            yield return Bar.Of(1, cell, $"time <= floor / {Number(share)}", cell.ShareOfLimit, cell.ShareOfLimit >= share);
        }

        if (cell.Tokens == 512 && cell.Format is "q8" or "q4" && cells.FirstOrDefault(other => IsBfloat16Of(other, cell)) is { } bfloat16)
        {
            double quotient = bfloat16.Milliseconds / cell.Milliseconds;
            Bar bar = Bar.Of(1, cell, $"{Number(QuantizedSpeedup)} times as fast as our bf16", quotient, quotient >= QuantizedSpeedup);
            yield return VoidsRun(bfloat16, l3Bytes) ? bar.AsVoid() : bar;
        }
    }

    // The share of the limit that a cell has to reach; null where there is no bar.
    private static double? LimitShare(LayerCell cell, long l3Bytes) => (cell.Tokens, cell.Format, cell.Shape) switch
    {
        (1, _, _) when IsDecodedFromMemory(cell, l3Bytes) => 0.90,
        (8, _, _) when IsDecodedFromMemory(cell, l3Bytes) => 0.85,
        (512, "bf16", "M" or "X") => 0.85,
        (512, "bf16", "O" or "Q") => 0.75,
        (512, "f32", _) => 0.80,
        _ => null,
    };

    private static bool IsBfloat16Of(LayerCell other, LayerCell cell) =>
        other.Format == "bf16" && other.Shape == cell.Shape && other.Threads == cell.Threads && other.Tokens == cell.Tokens;

    private static IEnumerable<Bar> Peers(LayerCell cell)
    {
        if (RatioToFastest(cell) is not double ratio)
        {
            yield break;
        }

        double share = cell.Tokens == 1 ? 0.90 : 0.85;
        yield return Faster(cell, ratio, PeerSpeedup, share);
        if (cell.Tokens == 64 && cell.Shape is "O" or "Q" or "X")
        {
            yield return Faster(cell, ratio, BatchPeerSpeedup, share);
        }

        yield return Bar.Of(2, cell, "at most 3 % slower than the fastest peer", ratio, ratio >= 1 / PeerTolerance);
    }

    // ggml is a peer like the others, though its figures come from another machine.
    private static double? RatioToFastest(LayerCell cell) =>
        GgmlFigures.Ratio(cell) is double ggml && !(cell.RatioToFastestPeer < ggml) ? ggml : cell.RatioToFastestPeer;

    private static Bar Faster(LayerCell cell, double ratio, double speedup, double share) => Bar.Of(
        2, cell, $"time <= max(fastest peer / {Number(speedup)}, floor / {Number(share)})", ratio, ratio >= speedup || cell.ShareOfLimit >= share);

    private static string Number(double value) => value.ToString("0.0#", CultureInfo.InvariantCulture);
}
