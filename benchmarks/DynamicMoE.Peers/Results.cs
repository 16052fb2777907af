namespace DynamicMoE.Peers;

/// <summary>One run of the program.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Repetitions">Repetitions that each median is taken of.</param>
/// <param name="Seed">Seed of weights and tokens.</param>
/// <param name="Cells">Measured cells.</param>
internal sealed record PeersReport(Machine Machine, int Repetitions, ulong Seed, IReadOnlyList<CellResult> Cells);

/// <summary>One cell of the grid.</summary>
/// <param name="Shape">Letter of the shape.</param>
/// <param name="Format">Format of the weights.</param>
/// <param name="Threads">Threads that each implementation may use.</param>
/// <param name="Tokens">Tokens of a batch.</param>
/// <param name="DistinctExperts">Mean number of experts with a route.</param>
/// <param name="Ours">This library.</param>
/// <param name="Gflops">Its operations per second, 1e9, experts only.</param>
/// <param name="GbPerS">Its bytes per second, 1e9: weights of the distinct experts, each once per batch.</param>
/// <param name="Peers">The others.</param>
/// <param name="RatioToFastestPeer">Smallest ratio of a peer.</param>
internal sealed record CellResult(
    string Shape,
    string Format,
    int Threads,
    int Tokens,
    double DistinctExperts,
    Timing Ours,
    double Gflops,
    double GbPerS,
    IReadOnlyList<PeerTiming> Peers,
    double RatioToFastestPeer);

/// <summary>Time per batch.</summary>
/// <param name="Milliseconds">Median.</param>
/// <param name="FastestMilliseconds">Smallest.</param>
/// <param name="RelativeError">Largest relative error of a sampled token.</param>
internal sealed record Timing(double Milliseconds, double FastestMilliseconds, double RelativeError);

/// <summary>A peer's time beside ours.</summary>
/// <param name="Name">Implementation.</param>
/// <param name="Timing">Its time per batch.</param>
/// <param name="Ratio">Its time over ours: median over the repetitions, of which each gives one quotient. Above 1 = ours is faster.</param>
internal sealed record PeerTiming(string Name, Timing Timing, double Ratio);
