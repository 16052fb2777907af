namespace DynamicMoE.Models;

/// <summary>A checkpoint with experts, ready to decode. Sessions of one model may run on many threads at once.</summary>
public sealed partial class MoEModel : IDisposable
{
    private readonly ModelWeights _weights;
    private readonly MoEBlock[] _blocks;
    private bool _disposed;

    private MoEModel(ModelConfig config, ModelLoadOptions options, ModelWeights weights, ITextTokenizer? tokenizer, CalibrationTable? calibration = null)
    {
        Calibration = calibration;
        WeightFormat = weights.Format;
        Config = config;
        Options = options;
        Tokenizer = tokenizer;
        _weights = weights;
        _blocks = [.. weights.Layers.Where(layer => layer.Experts is not null).Select(layer => layer.Experts!)];
        Passes = new PassPool(this);
    }

    /// <summary>What config.json says.</summary>
    public ModelConfig Config { get; }

    /// <summary>The tokenizer; null when the checkpoint has no tokenizer file and its vocabulary is not the 256 bytes.</summary>
    public ITextTokenizer? Tokenizer { get; }

    /// <summary>The checkpoint's chat template, a Jinja text: chat_template.jinja, else chat_template of tokenizer_config.json, of several the one named "default". Null
    /// when there is none, for a model out of streams, and when the tokenizer was not asked for.</summary>
    public string? ChatTemplate { get; private init; }

    /// <summary>Text of the token that begins a sequence, as tokenizer_config.json names it; null where it names none.</summary>
    public string? BosToken { get; private init; }

    /// <summary>Text of the token that ends a sequence, as tokenizer_config.json names it; null where it names none.</summary>
    public string? EosToken { get; private init; }

    /// <summary>How experts are kept; every other product is float32 when they are, else bfloat16.</summary>
    public WeightFormat WeightFormat { get; }

    /// <summary>Names the weights: XXH128 of config.json and of every tensor that is not an expert, as stored; tensors above 1 MiB count with their first and
    /// last 512 KiB. The same for a folder and for the packed file made of it, in every weight format. Gathered while loading.</summary>
    public ModelHash Hash => _weights.Hash;

    /// <summary>The layers with experts, in order. <c>MoELayers[i].Router.GetExpertUsageStats()</c> counts the routes of each expert under the router in
    /// force (TotalRoutes * AvgUsagePerExpert[e]), over all sessions and batches; PatchDynamicRouting begins new counts. Any thread may read it while passes run.</summary>
    public IReadOnlyList<MoEBlock> MoELayers => _blocks;

    /// <summary>Whether any layer routes dynamically.</summary>
    public bool IsDynamic => Array.Exists(_blocks, block => block.IsDynamic);

    /// <summary>Decides the mean experts per token of the layers that route dynamically; null without a budget.</summary>
    public BudgetArbiter? Arbiter { get; private set; }

    /// <summary>Holds the latency target by lowering the budget; null without one. Sessions record their passes with it.</summary>
    public LatencyController? Latency { get; private set; }

    internal ModelLoadOptions Options { get; }

    internal PassPool Passes { get; }

    /// <summary>Compares next-token distributions with the static model's, or null without a guardrail.</summary>
    internal LogitShadow? LogitShadow { get; private set; }

    internal ModelWeights Weights
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _weights;
        }
    }

    /// <summary>Loads a folder (config.json, model.safetensors or shards with their index, and a tokenizer and a calibration if there are any) or a packed file.</summary>
    /// <param name="path">Path of the folder or of the packed file. The files of a folder must not change while they are loaded; none stays open. A
    /// packed file must not change while the model is used, which reads its experts where they lie; it may be renamed or deleted.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <returns>The model, routing as the checkpoint was trained; dispose it when it is no longer used.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range, or another format than that of the packed file was asked for,
    /// or dynamicmoe.calibration.json is no calibration or that of another model; names the file.</exception>
    /// <exception cref="ModelConfigurationException">config.json, the tokenizer or the chat template is not valid, or asks for what is not supported; names the key.</exception>
    /// <exception cref="CheckpointFormatException">A file breaks the format, or a tensor or section is missing or wrong; names file, tensor or section, and value.</exception>
    /// <exception cref="DynamicMoEMemoryException">The weights do not fit into memory.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public static MoEModel Load(string path, ModelLoadOptions? options = null)
    {
        ModelLoadOptions valid = (options ?? new ModelLoadOptions()).Validated();
        try
        {
            using Checkpoint checkpoint = Checkpoint.Open(path);
            valid.Verify(checkpoint);
            ITextTokenizer? tokenizer = valid.LoadTokenizer ? TokenizerFiles.Load(checkpoint.Files!, checkpoint.Config) : null;
            string? template = valid.LoadTokenizer ? ChatTemplateFile.Load(checkpoint.Files!) : null;
            SpecialTokens special = valid.LoadTokenizer ? SpecialTokens.Load(checkpoint.Files!) : default;
            CalibrationTable? calibration = valid.LoadCalibration ? CalibrationFile.Load(checkpoint.Files!) : null;
            ModelWeights weights = ModelWeights.Load(checkpoint, valid);
            try
            {
                CalibrationFile.RequireModel(calibration, weights.Hash, checkpoint.Files);
            }
            catch
            {
                weights.Dispose();
                throw;
            }

            return new MoEModel(checkpoint.Config, valid, weights, tokenizer, calibration) { ChatTemplate = template, BosToken = special.Bos, EosToken = special.Eos };
        }
        catch (OutOfMemoryException e)
        {
            throw NoMemory(path, e);
        }
    }

    /// <summary>Loads a model from streams, e.g. embedded resources. They are read to their end and not disposed.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="weights">model.safetensors, at most 2 GB.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <param name="tokenizer">The tokenizer; null takes bytes where the vocabulary has 256 entries, else none.</param>
    /// <param name="name">Name for messages.</param>
    /// <returns>The model, routing as the checkpoint was trained; dispose it when it is no longer used.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="config"/>, <paramref name="weights"/> or <paramref name="name"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="ModelConfigurationException">The configuration is not valid, or asks for what is not supported; names the key.</exception>
    /// <exception cref="CheckpointFormatException">The weights break the format, or a tensor is missing or wrong; names tensor and value.</exception>
    /// <exception cref="DynamicMoEMemoryException">The weights do not fit into memory.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public static MoEModel Load(
        Stream config, Stream weights, ModelLoadOptions? options = null, ITextTokenizer? tokenizer = null, string name = "embedded model")
    {
        ModelLoadOptions valid = (options ?? new ModelLoadOptions()).Validated();
        try
        {
            using Checkpoint checkpoint = Checkpoint.Read(config, weights, name);
            return new MoEModel(
                checkpoint.Config, valid, ModelWeights.Load(checkpoint, valid), tokenizer ?? TokenizerFiles.Default(checkpoint.Config, valid));
        }
        catch (OutOfMemoryException e)
        {
            throw NoMemory(name, e);
        }
    }

    /// <summary>Starts an empty sequence.</summary>
    /// <param name="maxPositions">Longest sequence; its keys and values are allocated at once. 0 takes the smaller of 4096 and the model's own limit.</param>
    /// <returns>The session; it holds managed memory only.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxPositions"/> is negative, above the model's limit, or too much for one array.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public MoESession CreateSession(int maxPositions = 0)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(maxPositions);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxPositions, Config.MaxPositions);
        int positions = maxPositions == 0 ? Math.Min(4096, Config.MaxPositions) : maxPositions;
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)positions * Config.Attention!.KeyValueWidth, Array.MaxLength, nameof(maxPositions));
        return new MoESession(this, positions);
    }

    /// <summary>Switches layers to dynamic routing; layers that are not chosen go back to the checkpoint's rule. No forward pass may run meanwhile.</summary>
    /// <param name="options">Options; null for the defaults: threshold on router confidence, a mean of 0.75 times the trained count.</param>
    /// <exception cref="RouterConfigurationException">The calibration is that of another model; names both hashes. Nothing was changed.</exception>
    /// <exception cref="ModelPatchingException">A layer cannot be switched; names layer and tensor. Nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public void PatchDynamicRouting(DynamicRoutingOptions? options = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        options ??= new DynamicRoutingOptions();
        options.Calibration?.RequireModel(Hash);
        (Arbiter, Latency) = RoutingPatch.Apply(Config, _blocks, options.WithOwn(Calibration, Config.Experts, [.. _blocks.Select(block => block.Layer)]), Options);
        Watch(options.Guardrail);
    }

    /// <summary>Switches every layer back to the checkpoint's own rule. No forward pass may run meanwhile.</summary>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public void UnpatchDynamicRouting()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Watch(null);
        foreach (MoEBlock block in _blocks)
        {
            block.Use(null);
        }

        (Arbiter, Latency) = (null, null);
    }

    /// <summary>What a record of this model's routing in this process belongs to.</summary>
    /// <returns>The header for a <see cref="RoutingRecordWriter"/>.</returns>
    /// <exception cref="BackendException">The native library is not usable here.</exception>
    public RoutingRecordHeader DescribeRun() => RoutingRecordHeader.ForThisMachine(
        Hash, WeightFormat, [.. _blocks.Select(block => new RecordedLayer(block.Layer, block.Config.Count))], Options.Isa);

    /// <summary>Frees the weights. A second call does nothing.</summary>
    public void Dispose()
    {
        _disposed = true;
        Watch(null);
        _weights.Dispose();
    }

    internal static DynamicMoEMemoryException NoMemory(string name, OutOfMemoryException cause) =>
        new($"{name}: the managed heap cannot hold its tensors.", cause);

    private void Watch(ShadowGuardrail? guardrail)
    {
        LogitShadow?.Dispose();
        LogitShadow = guardrail is null ? null : new LogitShadow(this, guardrail);
    }
}
