namespace DynamicMoE.Models;

/// <summary>A checkpoint: configuration, tokenizer and tensors, in a folder or packed into one file.</summary>
/// <remarks>Files are mapped while it is open and must not change. What is loaded from it does not need it afterwards; experts of a packed file keep
/// the mapping that they are read in.</remarks>
public sealed class Checkpoint : IDisposable
{
    private const string Single = "model.safetensors", Index = "model.safetensors.index.json";

    private readonly List<SafetensorsFile> _files;
    private readonly Dictionary<string, SafetensorsFile> _owners;

    private Checkpoint(
        string name, ModelConfig config, List<SafetensorsFile> files, Dictionary<string, SafetensorsFile> owners, IModelFiles? sideFiles, PackedFile? packed = null)
    {
        Name = name;
        Config = config;
        Files = sideFiles;
        Packed = packed;
        _files = files;
        _owners = owners;
    }

    /// <summary>The path, or the name that the caller gave with streams.</summary>
    public string Name { get; }

    /// <summary>What config.json says.</summary>
    public ModelConfig Config { get; }

    /// <summary>Names of all tensors; the experts of a packed file are not among them.</summary>
    public IReadOnlyCollection<string> TensorNames => _owners.Keys;

    /// <summary>config.json and the tokenizer; null when they came in streams.</summary>
    internal IModelFiles? Files { get; }

    /// <summary>The packed file, or null.</summary>
    internal PackedFile? Packed { get; }

    /// <summary>Opens a folder with config.json and model.safetensors, or shards and their index; or a packed file.</summary>
    /// <param name="path">Path of the folder or of the packed file.</param>
    /// <returns>The checkpoint; dispose it when all that is needed is loaded.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="ModelConfigurationException">config.json is missing or not valid, or asks for what is not supported; names the key.</exception>
    /// <exception cref="CheckpointFormatException">A file is missing or breaks the format; names file, tensor or section, and value.</exception>
    public static Checkpoint Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return File.Exists(path) ? FromPacked(PackedFile.Open(path)) : FromFolder(path);
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
        return FromFile(name, parsed, SafetensorsFile.Read(weights, $"{name}/{Single}"), sideFiles: null);
    }

    /// <summary>Closes the files. A second call does nothing.</summary>
    public void Dispose()
    {
        foreach (SafetensorsFile file in _files)
        {
            file.Dispose();
        }

        Packed?.Dispose();
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

    private static Checkpoint FromPacked(PackedFile packed)
    {
        try
        {
            ModelConfig config = ModelConfig.Read(packed);
            return FromFile(packed.Path, config, packed.Tensors(), packed, packed);
        }
        catch
        {
            packed.Dispose();
            throw;
        }
    }

    private static Checkpoint FromFolder(string directory)
    {
        var sideFiles = new FolderFiles(directory);
        ModelConfig config = ModelConfig.Read(sideFiles);
        string index = Path.Combine(directory, Index);
        string single = Path.Combine(directory, Single);
        if (File.Exists(single))
        {
            return FromFile(directory, config, SafetensorsFile.Open(single), sideFiles);
        }

        return File.Exists(index)
            ? FromShards(directory, config, index, sideFiles)
            : throw new CheckpointFormatException(directory, null, $"neither {Single} nor {Index} is there.");
    }

    private static Checkpoint FromFile(string name, ModelConfig config, SafetensorsFile file, IModelFiles? sideFiles, PackedFile? packed = null) =>
        new(name, config, [file], file.Tensors.Keys.ToDictionary(tensor => tensor, _ => file, StringComparer.Ordinal), sideFiles, packed);

    private static Checkpoint FromShards(string directory, ModelConfig config, string index, IModelFiles sideFiles)
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

            return new Checkpoint(directory, config, [.. files.Values], owners, sideFiles);
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
