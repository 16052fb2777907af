using DynamicMoE.Models;

namespace DynamicMoE.Cli.Models;

/// <summary>Which model to load, and how.</summary>
/// <param name="Path">Checkpoint folder or packed model; null = the TinyMoE that comes with the tool.</param>
/// <param name="Format">How weights are kept; null = f32, or the packed model's own.</param>
/// <param name="Threads">Threads of a native call; 0 = the pool's.</param>
internal sealed record ModelChoice(string? Path, WeightFormat? Format, int Threads)
{
    /// <summary>Whether every part of a packed model is compared with its checksum.</summary>
    public bool VerifyChecksums { get; init; }

    /// <summary>Where its MoE layers compute.</summary>
    public ComputeDevice Device { get; init; }

    /// <summary>Name of the model in the output.</summary>
    public string Name => Path ?? "TinyMoE";

    /// <summary>Where it is.</summary>
    /// <exception cref="ToolException">There is nothing.</exception>
    public string Place
    {
        get
        {
            string place = Path ?? System.IO.Path.Combine(AppContext.BaseDirectory, "TinyMoE");
            return Directory.Exists(place) || (Path is not null && File.Exists(place))
                ? place
                : throw new ToolException(Path is null ? $"TinyMoE is not beside the tool: {place}" : $"--model '{Path}' is neither a folder nor a file");
        }
    }

    /// <summary>Loads it.</summary>
    /// <param name="batch">Tokens per pass, at most.</param>
    /// <param name="withCalibration">Whether the calibration beside the weights counts.</param>
    /// <exception cref="ToolException">There is nothing at the path, or the checkpoint has no tokenizer or no experts.</exception>
    /// <exception cref="BackendException">The device is not usable.</exception>
    public MoEModel Load(int batch, bool withCalibration = true)
    {
        string path = Place;
        MoEModel model = MoEModel.Load(path, new ModelLoadOptions
        {
            WeightFormat = Format,
            Threads = Threads,
            MaxTokens = batch,
            LoadCalibration = withCalibration,
            VerifyChecksums = VerifyChecksums,
            Device = Device,
        });
        if (model.Tokenizer is null || model.MoELayers.Count == 0)
        {
            model.Dispose();
            throw new ToolException($"{path} has no {(model.Tokenizer is null ? "tokenizer.model or tokenizer.json" : "layer with experts")}");
        }

        return model;
    }
}
