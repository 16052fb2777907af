using System.CommandLine;
using DynamicMoE.Cli.Models;

namespace DynamicMoE.Cli.Commands;

/// <summary>Options that several commands have.</summary>
internal static class SharedOptions
{
    /// <summary>A checkpoint or a packed model.</summary>
    public static Option<string?> Model() => new("--model")
    {
        Description = "Folder of a Hugging Face checkpoint (config.json, safetensors), or a file that dmoe pack wrote. "
            + "Default: the TinyMoE that comes with the tool.",
        HelpName = "PATH",
    };

    /// <summary>Machine-readable output.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object (snake_case) instead of text." };

    /// <summary>Whether all of a packed model is compared with its checksums before it runs.</summary>
    public static Option<bool> VerifyChecksums() => new("--verify-checksums")
    {
        Description = "Read all of a packed model and compare it with its checksums first, experts included; of a folder it changes nothing.",
    };

    /// <summary>Most threads of a call.</summary>
    public static Option<int> Threads() =>
        NumberOptions.Whole("--threads", "Threads of a native call; 0 = chosen from cores and cgroup quota.", 0, 1024, 0);

    /// <summary>A file; an empty path is a usage error.</summary>
    public static Option<string?> FilePath(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "FILE" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value.Length: 0 }])
            {
                result.AddError($"{name} is empty, the path of a file is needed");
            }
        });
        return option;
    }

    /// <summary>A folder for reports; an empty path is a usage error.</summary>
    public static Option<string?> Folder(string description)
    {
        var option = new Option<string?>("--out") { Description = description, HelpName = "DIR" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value.Length: 0 }])
            {
                result.AddError("--out is empty, the path of a folder is needed");
            }
        });
        return option;
    }

    /// <summary>Settings on the command line.</summary>
    public static Option<string[]> Set()
    {
        var option = new Option<string[]>("--set") { Description = "A setting, such as router.min_experts=2. May be given several times.", HelpName = "KEY=VALUE" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => !token.Value.Contains('=', StringComparison.Ordinal)) is { } wrong)
            {
                result.AddError($"--set '{wrong.Value}' is not of the form KEY=VALUE");
            }
        });
        return option;
    }

    /// <summary>A calibration to start thresholds from.</summary>
    public static Option<string?> Calibration() => FilePath(
        "--calibration", "File that dmoe calibrate wrote for this model: thresholds start from it, so that no text is needed to find them.");

    /// <summary>Reads the file of <see cref="Calibration"/>; null when none is given.</summary>
    /// <exception cref="ToolException">There is no such file.</exception>
    public static CalibrationTable? LoadCalibration(string? path)
    {
        if (path is not null && !File.Exists(path))
        {
            throw new ToolException($"--calibration '{path}' is not a file");
        }

        return path is null ? null : CalibrationTable.Load(path);
    }

    /// <summary>How weights are kept; null when it is not given.</summary>
    /// <param name="default">What is taken then, for the description.</param>
    public static Option<WeightFormat?> Format(string @default) => new("--format")
    {
        Description = "How the native core keeps weights: f32; bf16 (half the bytes, activations rounded to bf16); q8 or q4 (experts in 8 or "
            + $"4 bits, the rest in bf16). {@default}",
        HelpName = string.Join('|', WeightFormats.Names),
        CustomParser = result =>
        {
            string value = result.Tokens[0].Value;
            WeightFormat? format = WeightFormats.Find(value);
            if (format is null)
            {
                result.AddError($"--format '{value}' is not one of {string.Join(", ", WeightFormats.Names)}");
            }

            return format;
        },
    };

    /// <summary>What is taken in place of <see cref="Format"/> where a model is loaded.</summary>
    public const string LoadedFormat = "Default: f32; a packed model has its own.";
}
