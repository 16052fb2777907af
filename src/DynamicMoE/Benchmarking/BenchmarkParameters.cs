namespace DynamicMoE;

/// <summary>Keys of <see cref="BenchmarkResult.Parameters"/>. Numbers are <see cref="int"/> or <see cref="double"/>.</summary>
public static class BenchmarkParameters
{
    /// <summary>Which benchmark: one of <see cref="BenchmarkKinds"/>. In every result.</summary>
    public const string Benchmark = "benchmark";

    /// <summary>Sequences of a call. In every result.</summary>
    public const string BatchSize = "batch_size";

    /// <summary>Tokens of a sequence. In every result.</summary>
    public const string SequenceLength = "sequence_length";

    /// <summary>Hidden size. In every result.</summary>
    public const string HiddenDim = "hidden_dim";

    /// <summary>Number of experts. In every result.</summary>
    public const string NumExperts = "num_experts";

    /// <summary>Fewest experts per token. In every result.</summary>
    public const string MinExperts = "min_experts";

    /// <summary>Most experts per token. In every result.</summary>
    public const string MaxExperts = "max_experts";

    /// <summary>Most threads of a call; 0 = as many as the native pool has. In every result.</summary>
    public const string Threads = "threads";

    /// <summary>Throughput: requests that are served at the same time at most.</summary>
    public const string ConcurrentRequests = "concurrent_requests";

    /// <summary>Throughput: arrivals as a share of the capacity that was measured before.</summary>
    public const string Load = "load";

    /// <summary>Scaling: name of the optimisation; <see cref="DynamicMoEBenchmark.BaseVariant"/> for the router as it is.</summary>
    public const string Variant = "variant";
}
