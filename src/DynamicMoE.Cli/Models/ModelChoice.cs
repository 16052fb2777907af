using DynamicMoE.Models;

namespace DynamicMoE.Cli.Models;

/// <summary>Which model to load, and how.</summary>
/// <param name="Directory">Checkpoint folder; null = the TinyMoE that comes with the tool.</param>
/// <param name="Format">f32 or bf16.</param>
/// <param name="Threads">Threads of a native call; 0 = the pool's.</param>
internal sealed record ModelChoice(string? Directory, string Format, int Threads)
{
    /// <summary>Name of the model in the output.</summary>
    public string Name => Directory ?? "TinyMoE";

    /// <summary>Loads it.</summary>
    /// <param name="batch">Tokens per pass, at most.</param>
    /// <exception cref="ToolException">There is no such folder, or the checkpoint has no tokenizer.</exception>
    public MoEModel Load(int batch)
    {
        string path = Directory ?? Path.Combine(AppContext.BaseDirectory, "TinyMoE");
        if (!System.IO.Directory.Exists(path))
        {
            throw new ToolException(Directory is null ? $"TinyMoE is not beside the tool: {path}" : $"--model '{Directory}' is not a folder");
        }

        MoEModel model = MoEModel.Load(path, new ModelLoadOptions
        {
            WeightFormat = Format == "bf16" ? WeightFormat.BFloat16 : WeightFormat.Float32,
            Threads = Threads,
            MaxTokens = batch,
        });
        if (model.Tokenizer is null || model.MoELayers.Count == 0)
        {
            model.Dispose();
            throw new ToolException($"{path} has no {(model.Tokenizer is null ? "tokenizer.model or tokenizer.json" : "layer with experts")}");
        }

        return model;
    }
}
