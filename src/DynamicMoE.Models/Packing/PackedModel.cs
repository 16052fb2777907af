namespace DynamicMoE.Models;

/// <summary>Packed files: a whole model in one file, its experts as the native core keeps them, so that they are used where they lie.</summary>
public static class PackedModel
{
    /// <summary>Packs a checkpoint into one file. The file appears once it is whole; a failure, and a process that is asked to end, leave nothing
    /// behind. One that is killed leaves a file beside it, whose name ends in .tmp.</summary>
    /// <param name="folder">Folder of a checkpoint that <see cref="MoEModel.Load(string, ModelLoadOptions?)"/> takes.</param>
    /// <param name="path">Path of the file. Its folder exists.</param>
    /// <param name="format">How experts are kept.</param>
    /// <param name="overwrite">Whether a file at the path is replaced. Processes that have it loaded go on with the old one.</param>
    /// <param name="cancellationToken">Ends the work, before the next tensor is read or the next 16 MiB are written.</param>
    /// <returns>What was written.</returns>
    /// <exception cref="ArgumentException">A path is null or empty.</exception>
    /// <exception cref="RouterConfigurationException"><paramref name="format"/> is not defined, or the calibration beside the weights is none.</exception>
    /// <exception cref="IOException">The path is taken or a folder, its folder is missing, or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The path cannot be written to.</exception>
    /// <exception cref="ModelConfigurationException">config.json or the tokenizer is not valid, or asks for what is not supported; names the key.</exception>
    /// <exception cref="CheckpointFormatException">A file breaks the format, a tensor is missing or could not be loaded in this format, or the checkpoint
    /// is a packed file itself.</exception>
    /// <exception cref="DynamicMoEMemoryException">One layer's experts or one tensor do not fit into memory.</exception>
    /// <exception cref="BackendException">The native library is not usable here.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static PackedModelInfo Pack(
        string folder, string path, WeightFormat format, bool overwrite = false, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ModelLoadOptions options = new ModelLoadOptions { WeightFormat = format }.Validated();
        try
        {
            PackedWriter.RequireFree(path, overwrite);
            using Checkpoint checkpoint = Checkpoint.Open(folder);
            if (checkpoint.Packed is not null)
            {
                throw new CheckpointFormatException(folder, null, "packed already; the folder of its checkpoint is needed.");
            }

            CheckpointLayout.CheckDecoder(checkpoint);
            _ = TokenizerFiles.Load(checkpoint.Files!, checkpoint.Config);
            _ = ChatTemplateFile.Load(checkpoint.Files!);
            _ = CalibrationFile.Load(checkpoint.Files!);
            Write(checkpoint, path, options, overwrite, cancellationToken);
        }
        catch (OutOfMemoryException e)
        {
            throw MoEModel.NoMemory(folder, e);
        }

        using PackedFile file = PackedFile.Open(path);
        return Describe(file, ModelConfig.Read(file));
    }

    /// <summary>Reads a whole packed file and compares every part with its checksum.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>What it holds.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="ModelConfigurationException">Its config.json is not valid, or asks for what is not supported; names the key.</exception>
    /// <exception cref="CheckpointFormatException">The file cannot be opened, is no packed model for this library, or is damaged; names the section.</exception>
    /// <exception cref="BackendException">The native library is not usable here.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static PackedModelInfo Verify(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using Checkpoint checkpoint = Checkpoint.Open(path);
        PackedFile file = checkpoint.Packed ?? throw new CheckpointFormatException(path, null, "a folder, not a packed model.");
        file.Verify(cancellationToken);
        CheckpointLayout.CheckDecoder(checkpoint);
        var loader = new WeightLoader(checkpoint, new ModelLoadOptions());
        foreach (int layer in CheckpointLayout.MoELayers(checkpoint.Config))
        {
            // Made and let go: whether the sections have the right sizes is found out this way.
            ExpertBanks.Routed(loader, layer).Dispose();
            ExpertBanks.Shared(loader, layer)?.Dispose();
        }

        return Describe(file, checkpoint.Config);
    }

    private static void Write(Checkpoint checkpoint, string path, ModelLoadOptions options, bool overwrite, CancellationToken cancellation)
    {
        ModelConfig config = checkpoint.Config;
        string[] files = [PackedSection.Config, .. TokenizerFiles.Used(checkpoint.Files!), .. CalibrationFile.Used(checkpoint.Files!)];
        int[] layers = [.. CheckpointLayout.MoELayers(config)];
        int banks = layers.Length * (config.Experts.SharedWidth > 0 ? 2 : 1);
        var loader = new WeightLoader(checkpoint, options, cancellation);
        foreach (LayoutTensor tensor in CheckpointLayout.Dense(config))
        {
            loader.Check(tensor);
        }

        using var writer = new PackedWriter(path, files.Length + 1 + banks, overwrite, cancellation);
        foreach (string name in files)
        {
            using Stream source = checkpoint.Files!.OpenFile(name);
            writer.Add(name, source.CopyTo);
        }

        writer.Add(PackedSection.Tensors, stream => TensorCopy.Write(checkpoint, CheckpointLayout.Dense(config), stream));
        foreach (int layer in layers)
        {
            AddBank(writer, PackedSection.Experts(layer), ExpertBanks.Routed(loader, layer));
            AddBank(writer, PackedSection.Shared(layer), ExpertBanks.Shared(loader, layer));
        }

        writer.Finish(options.WeightFormat!.Value);
    }

    private static void AddBank(PackedWriter writer, string section, ExpertBank? bank)
    {
        using (bank)
        {
            if (bank is not null)
            {
                writer.Add(section, bank.WritePacked);
            }
        }
    }

    private static PackedModelInfo Describe(PackedFile file, ModelConfig config)
    {
        string[] banks = [.. CheckpointLayout.MoELayers(config).SelectMany(layer => CheckpointLayout.Sections(config, layer))];
        IReadOnlyList<PackedSection> sections = file.Header.Sections;
        return new PackedModelInfo(
            file.Path,
            config.ModelType,
            file.Header.Format,
            PackedHeader.Version,
            file.Header.Layout,
            file.Length,
            sections.Where(section => banks.Contains(section.Name)).Sum(section => section.Length),
            sections.Count);
    }
}
