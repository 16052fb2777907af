namespace DynamicMoE;

/// <summary>What one candidate did on the test data, beside the first candidate on the same data. Figures are those of one pass over the data.</summary>
public sealed record StrategyComparison
{
    /// <summary>What was compared: the name given to <see cref="ComparisonProfiler.CompareRoutingStrategies"/>.</summary>
    public required string Scope { get; init; }

    /// <summary>Name of the candidate.</summary>
    public required string Name { get; init; }

    /// <summary>Tokens of a pass.</summary>
    public required long Tokens { get; init; }

    /// <summary>Batches of a pass.</summary>
    public required int Batches { get; init; }

    /// <summary>Mean experts per token over the timed passes.</summary>
    public required double MeanExpertsPerToken { get; init; }

    /// <summary>Mean number of distinct experts of a batch.</summary>
    public required double MeanDistinctExperts { get; init; }

    /// <summary>1 / (experts * sum of squared shares of the routes): 1 = even.</summary>
    public required double LoadBalanceScore { get; init; }

    /// <summary>Operations of matrix products, mean of the timed passes.</summary>
    public required double ProductFlops { get; init; }

    /// <summary>Other operations, mean of the timed passes.</summary>
    public required double OtherFlops { get; init; }

    /// <summary>1 - products / products of the first candidate.</summary>
    public required double FlopsSaving { get; init; }

    /// <summary>Bytes of weights, each once per batch, mean of the timed passes.</summary>
    public required double WeightBytes { get; init; }

    /// <summary>1 - bytes / bytes of the first candidate.</summary>
    public required double BytesSaving { get; init; }

    /// <summary>Time of a pass over the timed passes.</summary>
    public required ProfileTiming Timing { get; init; }

    /// <summary>Time over that of the first candidate: median of the quotients of passes that were run in the same turn.</summary>
    public required double TimeRatio { get; init; }

    /// <summary>Lower end of its 95 % confidence interval (order statistics, by the binomial distribution); null below 6 passes.</summary>
    public required double? TimeRatioLow { get; init; }

    /// <summary>Upper end of that interval; null below 6 passes.</summary>
    public required double? TimeRatioHigh { get; init; }

    /// <summary>|y - y1| / |y1| over all elements of the data, y1 the first candidate's output. Not a measure of quality: <c>dmoe eval</c> has that.</summary>
    public required double OutputDifference { get; init; }

    /// <summary>The time beside the machine's limits; null when the profiler was given none.</summary>
    public required LimitShare? Limit { get; init; }
}
