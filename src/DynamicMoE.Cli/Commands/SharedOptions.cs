using System.CommandLine;

namespace DynamicMoE.Cli.Commands;

/// <summary>Options that several commands have.</summary>
internal static class SharedOptions
{
    /// <summary>Folder of a checkpoint.</summary>
    public static Option<string?> Model() => new("--model")
    {
        Description = "Folder of a Hugging Face checkpoint (config.json, safetensors). Default: the TinyMoE that comes with the tool.",
        HelpName = "DIR",
    };

    /// <summary>Machine-readable output.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object (snake_case) instead of text." };

    /// <summary>Most threads of a call.</summary>
    public static Option<int> Threads() =>
        NumberOptions.Whole("--threads", "Threads of a native call; 0 = chosen from cores and cgroup quota.", 0, 1024, 0);

    /// <summary>How weights are kept.</summary>
    public static Option<string> Format() => new("--format")
    {
        Description = "How the native core keeps weights: f32, or bf16 (half the bytes, activations rounded to bf16).",
        HelpName = "f32|bf16",
        DefaultValueFactory = _ => "f32",
        CustomParser = result =>
        {
            string value = result.Tokens[0].Value;
            if (value is not ("f32" or "bf16"))
            {
                result.AddError($"--format '{value}' is not one of f32, bf16");
            }

            return value;
        },
    };
}
