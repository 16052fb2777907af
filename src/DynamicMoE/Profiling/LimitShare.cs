namespace DynamicMoE;

/// <summary>A call's time beside what the machine was measured to do at most.</summary>
/// <param name="FlopsSeconds">Least time of the matrix products: each part's operations over the peak of the instruction that its weight format uses.</param>
/// <param name="BytesSeconds">Least time of reading the weights: their bytes over the read bandwidth. 0 where all weights of the layer, also those that
/// the batch does not touch, fit into half of the third-level cache: they may then come from there.</param>
/// <param name="PeakShare"><paramref name="FlopsSeconds"/> over the median time.</param>
/// <param name="BandwidthShare"><paramref name="BytesSeconds"/> over the median time; null where that is 0.</param>
public sealed record LimitShare(double FlopsSeconds, double BytesSeconds, double PeakShare, double? BandwidthShare)
{
    /// <summary>Value of <see cref="Binds"/>: the operations take longer at full rate than the bytes.</summary>
    public const string Flops = "flops";

    /// <summary>Value of <see cref="Binds"/>: the bytes take longer at full rate than the operations.</summary>
    public const string Bytes = "bytes";

    /// <summary>Which limit makes the least time: <see cref="Bytes"/> or <see cref="Flops"/>.</summary>
    public string Binds => BytesSeconds > FlopsSeconds ? Bytes : Flops;

    /// <summary>Shares of a time.</summary>
    /// <param name="limits">Of the machine.</param>
    /// <param name="work">What was done in the time.</param>
    /// <param name="cached">Whether the weights may come from the cache.</param>
    /// <param name="seconds">The time.</param>
    internal static LimitShare Of(MachineLimits limits, LimitedWork work, bool cached, double seconds)
    {
        double flops = work.LeastSeconds(limits), bytes = cached ? 0 : work.Bytes / limits.ReadBytesPerSecond;
        return new LimitShare(flops, bytes, flops / seconds, cached ? null : bytes / seconds);
    }
}

/// <summary>Work that the machine's limits bound: matrix products by the format of their weights, and bytes of weights.</summary>
internal sealed class LimitedWork
{
    private readonly double[] _products = new double[Enum.GetValues<WeightFormat>().Length];

    internal double Bytes { get; private set; }

    internal void Add(IEnumerable<ComponentCost> costs)
    {
        foreach (ComponentCost cost in costs)
        {
            _products[(int)cost.Format] += cost.ProductFlops;
            Bytes += cost.WeightBytes;
        }
    }

    internal double LeastSeconds(MachineLimits limits)
    {
        double seconds = 0;
        for (int format = 0; format < _products.Length; format++)
        {
            seconds += _products[format] == 0 ? 0 : _products[format] / limits.PeakOps((WeightFormat)format);
        }

        return seconds;
    }
}
