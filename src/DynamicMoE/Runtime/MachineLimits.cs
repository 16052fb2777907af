using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>
/// What this machine does at most, measured with the threads that layers use and at their instruction-set level. Each figure is the best of
/// several short passes, and that of all <see cref="Threads"/> together: with one thread what one core does while the others rest, with n what n
/// cores do at once, at the clock and from the memory that they share, which is not n times as much. Work that runs beside the measurement
/// takes its share: measure while the process is idle.
/// </summary>
public sealed record MachineLimits
{
    /// <summary>The default budget of <see cref="Measure(int, TimeSpan?)"/>.</summary>
    public static readonly TimeSpan DefaultBudget = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LeastBudget = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MostBudget = TimeSpan.FromSeconds(60);

    /// <summary>Threads that worked at once.</summary>
    public required int Threads { get; init; }

    /// <summary>float32 operations per second; a fused multiply-add is two.</summary>
    public required double Float32Flops { get; init; }

    /// <summary>bfloat16 operations per second; a product and its addition are two. Where the level has no instruction for pairs of
    /// bfloat16 they are multiplied as float32, whose limit this then is.</summary>
    public required double BFloat16Flops { get; init; }

    /// <summary>8-bit integer operations per second; a product and its addition are two.</summary>
    public required double Int8Ops { get; init; }

    /// <summary>Bytes read from memory per second: the best of <see cref="ReadTable"/>.</summary>
    public required double ReadBytesPerSecond { get; init; }

    /// <summary>Streams per thread of the best: 1, 4 or 8.</summary>
    public required int ReadStreams { get; init; }

    /// <summary>Whether the best had huge pages advised.</summary>
    public required bool ReadHugePages { get; init; }

    /// <summary>Every way to read that was measured: 1, 4 and 8 streams with 4 KiB pages, then the same with huge pages.</summary>
    public required IReadOnlyList<ReadRate> ReadTable { get; init; }

    /// <summary>Measures. The calling thread works too, and returns when all is done; calls wait for each other.</summary>
    /// <param name="threads">Between 1 and 1024, of which at most the pool's are used; 0 = the pool's.</param>
    /// <param name="budget">Between 100 ms and 60 s; null for <see cref="DefaultBudget"/>. A short one is exceeded, since each figure takes a
    /// few passes over eight times the level-3 cache, at least 256 MiB and at most 1 GiB, which is mapped outside the managed heap and given back.</param>
    /// <returns>The limits.</returns>
    /// <exception cref="RouterConfigurationException"><paramref name="threads"/> or <paramref name="budget"/> is outside its range.</exception>
    /// <exception cref="DynamicMoEMemoryException">The memory to read is not to be had.</exception>
    /// <exception cref="BackendException">The library is missing, its ABI does not fit, or DYNAMIC_MOE_ISA names a level that does not run here.</exception>
    /// <exception cref="PlatformNotSupportedException">No native library is made for this platform.</exception>
    public static MachineLimits Measure(int threads = 0, TimeSpan? budget = null) => Measure(threads, budget, bytes: 0);

    /// <summary>Measures with so much memory to read: a multiple of 2 MiB up to 1 GiB, or 0 for what <see cref="Measure(int, TimeSpan?)"/> reads.</summary>
    internal static MachineLimits Measure(int threads, TimeSpan? budget, long bytes)
    {
        TimeSpan time = budget ?? DefaultBudget;
        new OptionRules(nameof(MachineLimits))
            .Range(nameof(threads), threads, 0, 1024)
            .Require(time >= LeastBudget && time <= MostBudget, $"{nameof(budget)} ({time}) is outside {LeastBudget}..{MostBudget}.")
            .ThrowIfBroken();
        return MachineCalls.Measure(threads, (int)time.TotalMilliseconds, bytes);
    }

    /// <summary>The limit of the instruction that a weight format's products use.</summary>
    /// <param name="format">How weights are kept.</param>
    /// <returns>Operations per second; those of <see cref="WeightFormat.Q8"/> and <see cref="WeightFormat.Q4"/> are <see cref="Int8Ops"/>.</returns>
    /// <exception cref="RouterConfigurationException"><paramref name="format"/> is not a weight format.</exception>
    public double PeakOps(WeightFormat format) => format switch
    {
        WeightFormat.Float32 => Float32Flops,
        WeightFormat.BFloat16 => BFloat16Flops,
        WeightFormat.Q8 or WeightFormat.Q4 => Int8Ops,
        _ => throw new RouterConfigurationException(
            $"{nameof(MachineLimits)}: {nameof(format)} ({format}) is not one of {string.Join(", ", Enum.GetNames<WeightFormat>())}."),
    };
}
