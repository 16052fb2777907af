using System.CommandLine;
using DynamicMoE.Cli.Calibration;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Cli.Text;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe calibrate</c>: writes a model's calibration, which other commands start from.</summary>
internal static class CalibrateCommand
{
    private const int Batch = 512;

    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        Option<string?> model = SharedOptions.Model();
        Option<string?> text = SharedOptions.FilePath("--text", "UTF-8 file of text like that which the model will run, but not text that is evaluated.");
        text.Required = true;
        Option<string?> output = SharedOptions.FilePath("--out", "File to write.");
        output.Required = true;
        var force = new Option<bool>("--force") { Description = "Replace the file if there is one." };
        Option<WeightFormat?> format = SharedOptions.Format(SharedOptions.LoadedFormat);
        Option<int> threads = SharedOptions.Threads();
        Option<int> maxBytes = NumberOptions.Whole("--max-bytes", "Most bytes of text to run.", 256, 1 << 24, 65536);
        Option<bool> json = SharedOptions.Json();
        var command = new Command("calibrate", "Writes a model's calibration: thresholds for any budget and score quantiles, per layer.")
        {
            model, text, output, force, format, threads, maxBytes, json,
        };
        command.SetAction((parsed, cancel) => Task.Run(
            () =>
            {
                var choice = new ModelChoice(parsed.GetValue(model), parsed.GetValue(format), parsed.GetValue(threads));
                CalibrationReport report = Run(
                    choice, parsed.GetValue(text)!, parsed.GetValue(output)!, parsed.GetValue(force), parsed.GetValue(maxBytes), cancel);
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

    private static CalibrationReport Run(ModelChoice choice, string path, string output, bool force, int maxBytes, CancellationToken cancel)
    {
        if (!force && File.Exists(output))
        {
            throw new ToolException($"--out '{output}' exists; --force replaces it");
        }

        using MoEModel model = choice.Load(Batch);
        ReadOnlyMemory<byte> text = EvaluationText.Load(path, maxBytes).Scored;
        int[] tokens = [.. model.Tokenizer!.Encode(Utf8Text.Decode(text.Span, path))];
        CalibrationTable table = model.Calibrate(tokens, estimators: null, cancel);
        table.Save(output, force);
        return CalibrationReport.Of(table, output, text.Length, 0.75 * model.Config.Experts.PerToken);
    }
}
