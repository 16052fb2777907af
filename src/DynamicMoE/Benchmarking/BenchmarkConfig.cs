namespace DynamicMoE;

/// <summary>What a benchmark runs: every combination of the lists in which MinExperts is at most MaxExperts and that at most the number of experts. Checked
/// when a benchmark starts.</summary>
public sealed class BenchmarkConfig
{
    /// <summary>Batch sizes where none are given: those of the documented config.yaml.</summary>
    public static IReadOnlyList<int> DefaultBatchSizes { get; } = [1, 8, 16, 32];

    /// <summary>Sequence lengths where none are given: those of the documented config.yaml.</summary>
    public static IReadOnlyList<int> DefaultSequenceLengths { get; } = [128, 256, 512];

    /// <summary>Hidden sizes where none are given: <c>input_dim</c> of the documented config.yaml.</summary>
    public static IReadOnlyList<int> DefaultHiddenDims { get; } = [768];

    /// <summary>Numbers of experts where none are given: <c>num_experts</c> of the documented config.yaml.</summary>
    public static IReadOnlyList<int> DefaultNumExperts { get; } = [8];

    /// <summary>Fewest experts per token where none are given: <c>min_experts</c> of the documented config.yaml.</summary>
    public static IReadOnlyList<int> DefaultMinExperts { get; } = [1];

    /// <summary>Most experts per token where none are given: <c>max_experts</c> of the documented config.yaml.</summary>
    public static IReadOnlyList<int> DefaultMaxExperts { get; } = [4];

    /// <summary>Name in results and report.</summary>
    /// <value>Not empty. Required.</value>
    public required string Name { get; set; }

    /// <summary>Timed calls of a combination; for throughput, requests of a combination at one concurrency and load.</summary>
    /// <value>Between 1 and 10000000. The default is 100.</value>
    public int NumRuns { get; set; } = 100;

    /// <summary>Calls before them; for throughput, calls of each caller.</summary>
    /// <value>Between 0 and 10000000. The default is 10.</value>
    public int WarmupRuns { get; set; } = 10;

    /// <summary>Sequences of a call.</summary>
    /// <value>Not empty, each at least 1. The default, null, is <see cref="DefaultBatchSizes"/>.</value>
    public IReadOnlyList<int>? BatchSizes { get; set; }

    /// <summary>Tokens of a sequence.</summary>
    /// <value>Not empty, each at least 1; times a batch size at most 16777216, times a hidden size as well at most 2147483591. The default, null, is
    /// <see cref="DefaultSequenceLengths"/>.</value>
    public IReadOnlyList<int>? SequenceLengths { get; set; }

    /// <summary>Hidden sizes.</summary>
    /// <value>Not empty, each between 1 and 1048576. The default, null, is <see cref="DefaultHiddenDims"/>.</value>
    public IReadOnlyList<int>? HiddenDims { get; set; }

    /// <summary>Numbers of experts.</summary>
    /// <value>Not empty, each between 1 and 4096. The default, null, is <see cref="DefaultNumExperts"/>.</value>
    public IReadOnlyList<int>? NumExpertsList { get; set; }

    /// <summary>Fewest experts per token.</summary>
    /// <value>Not empty, each between 1 and 4096. The default, null, is <see cref="DefaultMinExperts"/>.</value>
    public IReadOnlyList<int>? MinExpertsList { get; set; }

    /// <summary>Most experts per token.</summary>
    /// <value>Not empty, each between 1 and 4096. The default, null, is <see cref="DefaultMaxExperts"/>.</value>
    public IReadOnlyList<int>? MaxExpertsList { get; set; }

    /// <summary>Checks, and lists the combinations; the last list runs fastest.</summary>
    /// <exception cref="RouterConfigurationException">A value is outside its range, or no combination is left; names every broken rule.</exception>
    internal IReadOnlyList<BenchmarkCase> Cases()
    {
        IReadOnlyList<int> batches = BatchSizes ?? DefaultBatchSizes, lengths = SequenceLengths ?? DefaultSequenceLengths;
        IReadOnlyList<int> dims = HiddenDims ?? DefaultHiddenDims, experts = NumExpertsList ?? DefaultNumExperts;
        IReadOnlyList<int> fewest = MinExpertsList ?? DefaultMinExperts, most = MaxExpertsList ?? DefaultMaxExperts;
        OptionRules rules = new OptionRules(nameof(BenchmarkConfig))
            .Require(!string.IsNullOrEmpty(Name), $"Name must not be empty.")
            .Range(nameof(NumRuns), NumRuns, 1, 10_000_000)
            .Range(nameof(WarmupRuns), WarmupRuns, 0, 10_000_000);
        rules = Within(rules, nameof(BatchSizes), batches, Limits.MaxBatchTokens);
        rules = Within(rules, nameof(SequenceLengths), lengths, Limits.MaxBatchTokens);
        rules = Within(rules, nameof(HiddenDims), dims, Limits.MaxHidden);
        rules = Within(rules, nameof(NumExpertsList), experts, Limits.MaxExperts);
        rules = Within(rules, nameof(MinExpertsList), fewest, Limits.MaxExperts);
        rules = Within(rules, nameof(MaxExpertsList), most, Limits.MaxExperts);
        rules.ThrowIfBroken();
        long tokens = (long)batches.Max() * lengths.Max();
        BenchmarkCase[] cases =
        [
            .. from dim in dims
               from count in experts
               from min in fewest
               from max in most
               where min <= max && max <= count
               from batch in batches
               from length in lengths
               select new BenchmarkCase(batch, length, dim, count, min, max),
        ];
        rules
            .Require(tokens <= Limits.MaxBatchTokens, $"the largest of BatchSizes times the largest of SequenceLengths is {tokens}, at most {Limits.MaxBatchTokens} tokens are allowed.")
            .Require(tokens * dims.Max() <= Array.MaxLength, $"{tokens} tokens of hidden size {dims.Max()} have {tokens * dims.Max()} elements, at most {Array.MaxLength} are allowed.")
            .Require(cases.Length > 0, $"no combination has MinExperts <= MaxExperts <= number of experts.")
            .ThrowIfBroken();
        return cases;
    }

    private static OptionRules Within(OptionRules rules, string name, IReadOnlyList<int> values, int most) => rules
        .Require(values.Count > 0, $"{name} must not be empty.")
        .Require(values.All(value => value >= 1 && value <= most), $"{name} ({string.Join(", ", values)}) must lie within 1..{most}.");
}
