namespace DynamicMoE.Hosting;

/// <summary><c>benchmarking</c>: what a benchmark runs. Lists have 1 to 64 elements.</summary>
public sealed class BenchmarkingSettings
{
    private readonly SettingValues _values;

    internal BenchmarkingSettings(SettingValues values) => _values = values;

    /// <summary><c>num_runs</c>: measured runs of a configuration.</summary>
    /// <value>Between 1 and 1000000. The default is 100.</value>
    public int NumRuns => _values.Get(SettingKeys.NumRuns);

    /// <summary><c>warmup_runs</c>: runs before them that are not measured.</summary>
    /// <value>Between 0 and 1000000. The default is 10.</value>
    public int WarmupRuns => _values.Get(SettingKeys.WarmupRuns);

    /// <summary><c>batch_sizes</c>: sequences per batch.</summary>
    /// <value>Each between 1 and 65536. The default is 1, 8, 16, 32.</value>
    public IReadOnlyList<int> BatchSizes => _values.Get(SettingKeys.BatchSizes);

    /// <summary><c>sequence_lengths</c>: tokens per sequence.</summary>
    /// <value>Each between 1 and 1048576. The default is 128, 256, 512.</value>
    public IReadOnlyList<int> SequenceLengths => _values.Get(SettingKeys.SequenceLengths);

    /// <summary><c>hidden_dims</c>: hidden sizes.</summary>
    /// <value>Each between 1 and 1048576. The default, null, is that of the router.</value>
    public IReadOnlyList<int>? HiddenDims => _values.Get(SettingKeys.HiddenDims);

    /// <summary><c>num_experts_list</c>: numbers of experts.</summary>
    /// <value>Each between 1 and 4096. The default, null, is that of the router.</value>
    public IReadOnlyList<int>? NumExpertsList => _values.Get(SettingKeys.NumExpertsList);

    /// <summary><c>min_experts_list</c>: fewest experts per token.</summary>
    /// <value>Each between 1 and 4096. The default, null, is that of the router.</value>
    public IReadOnlyList<int>? MinExpertsList => _values.Get(SettingKeys.MinExpertsList);

    /// <summary><c>max_experts_list</c>: most experts per token.</summary>
    /// <value>Each between 1 and 4096. The default, null, is that of the router.</value>
    public IReadOnlyList<int>? MaxExpertsList => _values.Get(SettingKeys.MaxExpertsList);

    /// <summary><c>output_dir</c>: folder of results.</summary>
    /// <value>A path of 1 to 4096 characters. The default is <c>benchmark_results</c>.</value>
    public string OutputDir => _values.Get(SettingKeys.OutputDir);
}
