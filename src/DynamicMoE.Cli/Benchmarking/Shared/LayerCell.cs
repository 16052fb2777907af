using System.Text.Json.Serialization;

namespace DynamicMoE.Cli.Benchmarking;

/// <summary>One measured cell: a layer, a format, a batch size and a number of threads.</summary>
internal record LayerCell
{
    /// <summary>Letter of the shape, or its numbers.</summary>
    public required string Shape { get; init; }

    public required int Hidden { get; init; }

    /// <summary>Inner size of an expert.</summary>
    public required int Width { get; init; }

    public required int Experts { get; init; }

    public required int ExpertsPerToken { get; init; }

    /// <summary>Tokens of a batch.</summary>
    public required int Tokens { get; init; }

    /// <summary>Format of the weights.</summary>
    public required string Format { get; init; }

    /// <summary>Threads that each implementation may use.</summary>
    public required int Threads { get; init; }

    /// <summary>Experts with a route, mean of the batches.</summary>
    public required double DistinctExperts { get; init; }

    /// <summary>Bytes of all experts, scales included.</summary>
    public required long ExpertBytes { get; init; }

    /// <summary>Time per batch, median.</summary>
    public required double Milliseconds { get; init; }

    /// <summary>Time per batch, smallest.</summary>
    public required double FastestMilliseconds { get; init; }

    /// <summary>Repetitions that the median is taken of.</summary>
    public required int Repetitions { get; init; }

    /// <summary>Operations of the experts per second, 1e9.</summary>
    public required double Gflops { get; init; }

    /// <summary>Bytes per second, 1e9: weights of the distinct experts, each once per batch.</summary>
    public required double GbPerS { get; init; }

    /// <summary>Least time that the machine's limits allow.</summary>
    public required double FloorMilliseconds { get; init; }

    /// <summary>Floor over time.</summary>
    public required double ShareOfLimit { get; init; }

    /// <summary>Share of the read bandwidth alone; 0 where the experts fit into half of L3.</summary>
    public required double ByteShare { get; init; }

    /// <summary>Which limit makes the floor: "bytes" or "flops".</summary>
    public required string Binds { get; init; }

    /// <summary>The limits, at the same number of threads in the same run.</summary>
    public required LayerLimits Limits { get; init; }

    /// <summary>Smallest ratio of a peer; null without peers. Above 1 = ours is faster.</summary>
    public double? RatioToFastestPeer { get; init; }

    /// <summary>Other implementations of the same layer.</summary>
    public IReadOnlyList<PeerTiming> Peers { get; init; } = [];

    /// <summary>Peers that could not run the layer, and why.</summary>
    public IReadOnlyList<string> Refused { get; init; } = [];

    /// <summary>Largest |y - reference| / |reference| of a checked token; null when outputs were not checked.</summary>
    public double? RelativeError { get; init; }

    /// <summary>Runnable threads of the whole machine before the cell, mean of a minute; null = unknown.</summary>
    public double? Load { get; init; }

    /// <summary>Where; null in a list of cells that has one machine.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BenchMachine? Machine { get; init; }
}

/// <summary>A peer's time beside ours.</summary>
/// <param name="Name">Implementation.</param>
/// <param name="Milliseconds">Time per batch, median.</param>
/// <param name="FastestMilliseconds">Time per batch, smallest.</param>
/// <param name="Ratio">Its time over ours: median over the repetitions, each of which gives one quotient. Above 1 = ours is faster.</param>
/// <param name="RelativeError">Largest |y - reference| / |reference| of a checked token.</param>
internal sealed record PeerTiming(string Name, double Milliseconds, double FastestMilliseconds, double Ratio, double RelativeError);
