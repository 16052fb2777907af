namespace DynamicMoE.Peers.Tests;

/// <summary>Cells with given figures.</summary>
internal static class TestCells
{
    public const long L3Bytes = 1000;

    public static BenchMachine Machine { get; } = new("a cpu", 2, "avx2", L3Bytes, "0.1.0");

    /// <param name="shape">Letter.</param>
    /// <param name="format">Format.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="share">Share of the limit.</param>
    /// <param name="ratio">Of the only peer; null without one.</param>
    /// <param name="milliseconds">Time.</param>
    /// <param name="expertBytes">Of all experts.</param>
    /// <param name="binds">Bytes or flops.</param>
    public static LayerCell Of(
        string shape = "O", string format = "bf16", int tokens = 1, double share = 0.5, double? ratio = null, double milliseconds = 2, long expertBytes = 8 * L3Bytes,
        string binds = LayerFloor.Bytes)
    {
        LayerShape numbers = LayerShape.Named(shape);
        return new LayerCell
        {
            Shape = shape,
            Hidden = numbers.Hidden,
            Width = numbers.Width,
            Experts = numbers.Experts,
            ExpertsPerToken = numbers.ExpertsPerToken,
            Tokens = tokens,
            Format = format,
            Threads = 1,
            DistinctExperts = numbers.ExpertsPerToken,
            ExpertBytes = expertBytes,
            Milliseconds = milliseconds,
            FastestMilliseconds = milliseconds,
            Repetitions = 5,
            Gflops = 100,
            GbPerS = 10,
            FloorMilliseconds = share * milliseconds,
            ShareOfLimit = share,
            ByteShare = binds == LayerFloor.Bytes ? share : 0,
            Binds = binds,
            Limits = new LayerLimits(1, 1e12, 2e12, 4e12, 1e10),
            RatioToFastestPeer = ratio,
            Peers = ratio is double quotient ? [new PeerTiming("onnxruntime", milliseconds * quotient, milliseconds * quotient, quotient, 0.01)] : [],
            RelativeError = 0.001,
            Load = 1,
        };
    }
}
