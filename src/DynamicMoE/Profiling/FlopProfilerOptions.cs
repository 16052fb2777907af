namespace DynamicMoE;

/// <summary>Options of <see cref="FlopProfiler"/> and <see cref="ComparisonProfiler"/>. Checked when the profiler is built.</summary>
public sealed class FlopProfilerOptions
{
    // A query describes the CUDA driver's devices too, which takes long; the cache stays what it is. A failure is not kept.
    private static readonly Lazy<long> s_cacheBytes = new(static () => RuntimeInfo.Query().L3Bytes, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>Timed calls of each batch.</summary>
    /// <value>Between 1 and 1000000. The default is 11.</value>
    public int Repetitions { get; set; } = 11;

    /// <summary>Calls of each batch before them.</summary>
    /// <value>Between 0 and 1000000. The default is 2.</value>
    public int WarmupRuns { get; set; } = 2;

    /// <summary>What the machine does at most, measured with the threads that the layers use.</summary>
    /// <value>The default is null: no shares are computed. The profiler never measures by itself, which takes seconds.</value>
    public MachineLimits? Limits { get; set; }

    /// <summary>Third-level cache, bytes: weights that fit into half of it may come from there.</summary>
    /// <value>At least 0; 0 = nothing may. The default, null, is what the native library finds.</value>
    public long? CacheBytes { get; set; }

    /// <summary>The clock.</summary>
    /// <value>The default is that of the system.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Draws the charts of reports.</summary>
    /// <value>The default is null: reports have none.</value>
    public IChartRenderer? Charts { get; set; }

    /// <summary>Folder that the charts are written to; made when it is missing.</summary>
    /// <value>Not empty. The default is "profile_results".</value>
    public string OutputDirectory { get; set; } = "profile_results";

    internal FlopProfilerOptions Validated()
    {
        new OptionRules(nameof(FlopProfilerOptions))
            .Range(nameof(Repetitions), Repetitions, 1, 1_000_000)
            .Range(nameof(WarmupRuns), WarmupRuns, 0, 1_000_000)
            .Require(CacheBytes is null or >= 0, $"CacheBytes ({CacheBytes}) must be at least 0.")
            .Require(TimeProvider is not null, $"TimeProvider must not be null.")
            .Require(!string.IsNullOrEmpty(OutputDirectory), $"OutputDirectory must not be empty.")
            .ThrowIfBroken();
        return (FlopProfilerOptions)MemberwiseClone();
    }

    /// <summary>Whether that many bytes of weights may come from the cache.</summary>
    internal bool FitsCache(long bytes) => 2 * bytes <= (CacheBytes ?? s_cacheBytes.Value);
}
