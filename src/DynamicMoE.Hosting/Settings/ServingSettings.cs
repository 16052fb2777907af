namespace DynamicMoE.Hosting;

/// <summary><c>serving</c>: the queue, its batches and what happens under overload.</summary>
public sealed class ServingSettings
{
    private readonly SettingValues _values;

    internal ServingSettings(SettingValues values) => _values = values;

    /// <summary><c>serving.model</c>: folder of a checkpoint or packed file.</summary>
    /// <value>A path; the default, null, is what the host registers.</value>
    public string? Model => _values.Get(SettingKeys.Model);

    /// <summary><c>serving.model_root</c>: folder that holds the models which a running service may be told to load; relative paths begin there. <see cref="Model"/> may lie elsewhere.</summary>
    /// <value>A path; the default, null, allows every path.</value>
    public string? ModelRoot => _values.Get(SettingKeys.ModelRoot);

    /// <summary><c>serving.weight_format</c>: format of the weights; a packed file has its own.</summary>
    /// <value>The default, null, is that of the checkpoint.</value>
    public WeightFormat? WeightFormat => _values.Get(SettingKeys.WeightFormat);

    /// <summary><c>serving.queue_capacity</c>: requests that may wait.</summary>
    /// <value>Between 1 and 1048576. The default is 1024.</value>
    public int QueueCapacity => _values.Get(SettingKeys.QueueCapacity);

    /// <summary><c>serving.queue_tokens</c>: tokens that may wait, over all requests.</summary>
    /// <value>Between 1 and 1073741824. The default is 65536.</value>
    public int QueueTokens => _values.Get(SettingKeys.QueueTokens);

    /// <summary><c>serving.max_request_tokens</c>: tokens of one route or forward.</summary>
    /// <value>Between 1 and 1048576. The default is 8192.</value>
    public int MaxRequestTokens => _values.Get(SettingKeys.MaxRequestTokens);

    /// <summary><c>serving.max_batch_tokens</c>: tokens of one batch; a request above it is a batch of its own.</summary>
    /// <value>Between 1 and 65536. The default is 512.</value>
    public int MaxBatchTokens => _values.Get(SettingKeys.MaxBatchTokens);

    /// <summary><c>serving.batch_delay_us</c>: how long a request waits for company at most, microseconds.</summary>
    /// <value>Between 0 and 1000000. The default is 200.</value>
    public int BatchDelayUs => _values.Get(SettingKeys.BatchDelay);

    /// <summary><c>serving.max_sequences</c>: sequences that are generated at once; more wait in the queue.</summary>
    /// <value>Between 1 and 4096. The default is 32.</value>
    public int MaxSequences => _values.Get(SettingKeys.MaxSequences);

    /// <summary><c>serving.max_positions</c>: longest sequence.</summary>
    /// <value>Between 1 and 1048576; the default, null, is the model's, as far as <see cref="SequenceMemoryMb"/> holds it.</value>
    public int? MaxPositions => _values.Get(SettingKeys.MaxPositions);

    /// <summary><c>serving.sequence_memory_mb</c>: memory for keys and values of all sequences that were accepted and have not ended, MiB. What does not fit is refused when it
    /// comes; a sequence that fits no empty memory is above <see cref="ServedModelInfo.MaxPositions"/>.</summary>
    /// <value>Between 1 and 1073741824; the default, null, is a quarter of the memory that the process may use.</value>
    public int? SequenceMemoryMb => _values.Get(SettingKeys.SequenceMemory);

    /// <summary><c>serving.high_water</c>: share of the queue from which on experts are taken from the budget.</summary>
    /// <value>Above 0, at most 1. The default is 0.5.</value>
    public double HighWater => _values.Get(SettingKeys.HighWater);

    /// <summary><c>serving.overload_steps</c>: steps from the budget down to MinExperts between the high-water mark and a full queue.</summary>
    /// <value>Between 0 (never) and 100. The default is 4.</value>
    public int OverloadSteps => _values.Get(SettingKeys.OverloadSteps);

    /// <summary><c>serving.guardrail_rate</c>: share of tokens that are run again with all trained experts, off the hot path, to measure what the budget costs.</summary>
    /// <value>Between 0 (no guardrail) and 1. The default is 0.01.</value>
    public double GuardrailRate => _values.Get(SettingKeys.GuardrailRate);

    /// <summary><c>serving.drain_seconds</c>: how long a stop waits for what was accepted.</summary>
    /// <value>Between 0 and 86400. The default is 25.</value>
    public double DrainSeconds => _values.Get(SettingKeys.DrainSeconds);

    /// <summary><c>serving.state_directory</c>: folder in which thresholds are kept over a restart.</summary>
    /// <value>A path; the default, null, keeps nothing.</value>
    public string? StateDirectory => _values.Get(SettingKeys.StateDirectory);
}
