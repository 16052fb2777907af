using System.CommandLine;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Packing;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe pack</c>: writes a checkpoint as one file whose experts are used where they lie, or checks such a file.</summary>
internal static class PackCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        var model = new Option<string?>("--model")
        {
            Description = "Folder of a Hugging Face checkpoint (config.json, safetensors). Default: the TinyMoE that comes with the tool.",
            HelpName = "DIR",
        };
        Option<WeightFormat?> format = SharedOptions.Format("Needed with --out.");
        var output = new Option<string?>("--out") { Description = "File to write.", HelpName = "FILE" };
        var force = new Option<bool>("--force") { Description = "Replace the file if there is one." };
        var verify = new Option<string?>("--verify") { Description = "Packed model to read through and compare with its checksums.", HelpName = "FILE" };
        Option<bool> json = SharedOptions.Json();
        var command = new Command("pack", "Writes a checkpoint as one memory-mapped file, or verifies such a file.") { model, format, output, force, verify, json };
        foreach (Option<string?> path in new[] { output, verify })
        {
            path.Validators.Add(result =>
            {
                if (result.Tokens is [{ Value.Length: 0 }])
                {
                    result.AddError($"{path.Name} is empty, the path of a file is needed");
                }
            });
        }

        command.Validators.Add(result =>
        {
            bool writes = result.GetResult(output) is not null;
            if (writes == result.GetResult(verify) is not null)
            {
                result.AddError(writes ? "--out and --verify exclude each other" : "one of --out and --verify is needed");
            }
            else if (writes && result.GetResult(format) is null)
            {
                result.AddError($"--out needs --format, one of {string.Join(", ", WeightFormats.Names)}");
            }
            else if (!writes && (result.GetResult(model) is not null || result.GetResult(format) is not null || result.GetValue(force)))
            {
                result.AddError("--verify takes no --model, --format or --force");
            }
        });
        command.SetAction((parsed, cancel) => Task.Run(
            () =>
            {
                PackReport report = parsed.GetValue(verify) is { } file
                    ? Verify(file, cancel)
                    : Write(parsed.GetValue(model), parsed.GetValue(output)!, parsed.GetValue(format)!.Value, parsed.GetValue(force), cancel);
                if (parsed.GetValue(json))
                {
                    ToolJson.Write(console, report);
                }
                else
                {
                    report.WriteTo(console);
                }

                return ExitCodes.Ok;
            },
            cancel));
        return command;
    }

    private static PackReport Verify(string file, CancellationToken cancel) => File.Exists(file)
        ? PackReport.Of(PackedModel.Verify(file, cancel), verified: true)
        : throw new ToolException($"--verify '{file}' is not a file");

    private static PackReport Write(string? model, string output, WeightFormat format, bool force, CancellationToken cancel)
    {
        if (!force && File.Exists(output))
        {
            throw new ToolException($"--out '{output}' exists; --force replaces it");
        }

        string folder = new ModelChoice(model, format, Threads: 0).Place;
        return PackReport.Of(PackedModel.Pack(folder, output, format, force, cancel), verified: false);
    }
}
