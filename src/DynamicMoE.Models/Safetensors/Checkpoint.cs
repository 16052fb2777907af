namespace DynamicMoE.Models;

/// <summary>A checkpoint: configuration, tensors in one file or in shards, and the directory of its tokenizer.</summary>
/// <remarks>Files are mapped while it is open and must not change. What is loaded from it does not need it afterwards.</remarks>
public sealed class Checkpoint : IDisposable
{
    private const string Single = "model.safetensors", Index = "model.safetensors.index.json";

    private readonly List<SafetensorsFile> _files;
    private readonly Dictionary<string, SafetensorsFile> _owners;

    private Checkpoint(string name, ModelConfig config, List<SafetensorsFile> files, Dictionary<string, SafetensorsFile> owners)
    {
        Name = name;
        Config = config;
        _files = files;
        _owners = owners;
    }

    /// <summary>The directory, or the name that the caller gave with streams.</summary>
    public string Name { get; }

    /// <summary>What config.json says.</summary>
    public ModelConfig Config { get; }

    /// <summary>Names of all tensors.</summary>
    public IReadOnlyCollection<string> TensorNames => _owners.Keys;

    /// <summary>Opens a directory with config.json and model.safetensors, or shards and their index.</summary>
    /// <param name="directory">Path of the directory.</param>
    /// <returns>The checkpoint; dispose it when all that is needed is loaded.</returns>
    /// <exception cref="ArgumentException"><paramref name="directory"/> is null or empty.</exception>
    /// <exception cref="ModelConfigurationException">config.json is missing or not valid, or asks for what is not supported; names the key.</exception>
    /// <exception cref="CheckpointFormatException">A tensor file is missing or breaks the format; names file, tensor and value.</exception>
    public static Checkpoint Open(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ModelConfig config = ModelConfig.ReadFile(Path.Combine(directory, "config.json"));
        string index = Path.Combine(directory, Index);
        string single = Path.Combine(directory, Single);
        if (File.Exists(single))
        {
            return FromFile(directory, config, SafetensorsFile.Open(single));
        }

        return File.Exists(index)
            ? FromShards(directory, config, index)
            : throw new CheckpointFormatException(directory, null, $"neither {Single} nor {Index} is there.");
    }

    /// <summary>Opens a checkpoint that is held in streams, e.g. embedded resources. The streams are read to their end and not disposed.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="weights">model.safetensors, at most 2 GB.</param>
    /// <param name="name">Name for messages.</param>
    /// <returns>The checkpoint; dispose it when all that is needed is loaded.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ModelConfigurationException">The configuration is not valid, or asks for what is not supported; names the key.</exception>
    /// <exception cref="CheckpointFormatException">The weights break the format; names tensor and value.</exception>
    public static Checkpoint Read(Stream config, Stream weights, string name)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(name);
        ModelConfig parsed = ModelConfig.Read(config, $"{name}/config.json");
        return FromFile(name, parsed, SafetensorsFile.Read(weights, $"{name}/{Single}"));
    }

    /// <summary>Closes the files. A second call does nothing.</summary>
    public void Dispose()
    {
        foreach (SafetensorsFile file in _files)
        {
            file.Dispose();
        }
    }

    /// <summary>Whether the checkpoint has a tensor of this name.</summary>
    internal bool Has(string tensor) => _owners.ContainsKey(tensor);

    /// <summary>Finds a tensor and checks that it is floating-point and of this shape.</summary>
    /// <exception cref="CheckpointFormatException">It is missing, or has another type or shape.</exception>
    internal (SafetensorsFile File, TensorInfo Tensor) Require(string tensor, ReadOnlySpan<long> shape)
    {
        if (!_owners.TryGetValue(tensor, out SafetensorsFile? file))
        {
            throw new CheckpointFormatException(Name, tensor, $"missing; shape {Printable.Shape(shape)} is needed.");
        }

        TensorInfo info = file.Tensors[tensor];
        if (info.Type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16))
        {
            throw new CheckpointFormatException(file.Name, tensor, $"dtype is {info.Type.Name()}, one of F32, F16, BF16 is needed.");
        }

        return info.HasShape(shape)
            ? (file, info)
            : throw new CheckpointFormatException(
                file.Name, tensor, $"shape is {Printable.Shape([.. info.Shape])}, {Printable.Shape(shape)} is needed.");
    }

    private static Checkpoint FromFile(string name, ModelConfig config, SafetensorsFile file) =>
        new(name, config, [file], file.Tensors.Keys.ToDictionary(tensor => tensor, _ => file, StringComparer.Ordinal));

    private static Checkpoint FromShards(string directory, ModelConfig config, string index)
    {
        IReadOnlyDictionary<string, string> map = ShardIndex.Read(index);
        var files = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        var owners = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        try
        {
            foreach ((string tensor, string fileName) in map)
            {
                if (!files.TryGetValue(fileName, out SafetensorsFile? file))
                {
                    file = SafetensorsFile.Open(Path.Combine(directory, fileName));
                    files.Add(fileName, file);
                }

                owners.Add(
                    tensor,
                    file.Tensors.ContainsKey(tensor) ? file : throw new CheckpointFormatException(index, tensor, $"{fileName} does not hold it."));
            }

            return new Checkpoint(directory, config, [.. files.Values], owners);
        }
        catch
        {
            foreach (SafetensorsFile file in files.Values)
            {
                file.Dispose();
            }

            throw;
        }
    }
}
