namespace DynamicMoE.Cli.Benchmarking;

/// <summary>The least time that a batch can take on this machine: its bytes at full bandwidth or its operations at full rate, whichever is longer.</summary>
/// <param name="BytesSeconds">Weights of the distinct active experts, scales included, over the read bandwidth; 0 where all experts fit into half of L3.</param>
/// <param name="FlopsSeconds">Operations over the peak of the format's instruction.</param>
internal sealed record LayerFloor(double BytesSeconds, double FlopsSeconds)
{
    /// <summary>Values of <see cref="Binds"/>.</summary>
    public const string Bytes = "bytes", Flops = "flops";

    public double Seconds => Math.Max(BytesSeconds, FlopsSeconds);

    /// <summary>The longer term.</summary>
    public string Binds => BytesSeconds > FlopsSeconds ? Bytes : Flops;

    /// <param name="shape">The layer.</param>
    /// <param name="format">Format of the weights.</param>
    /// <param name="tokens">Tokens of a batch.</param>
    /// <param name="distinctExperts">Experts with a route, mean of the batches.</param>
    /// <param name="l3Bytes">Third-level cache; 0 = unknown, then no layer counts as cached.</param>
    /// <param name="limits">Of the machine, at the same number of threads.</param>
    public static LayerFloor Of(LayerShape shape, WeightFormat format, int tokens, double distinctExperts, long l3Bytes, LayerLimits limits)
    {
        long expert = LayerFormats.ExpertBytes(shape, format);
        bool cached = 2 * shape.Experts * expert <= l3Bytes;
        return new LayerFloor(
            cached ? 0 : distinctExperts * expert / limits.ReadBytesPerSecond,
            tokens * shape.FlopsPerToken / limits.Peak(format));
    }
}
