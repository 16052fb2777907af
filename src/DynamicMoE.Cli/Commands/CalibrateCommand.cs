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
        var device = new ModelDeviceOptions();
        Option<int> maxBytes = NumberOptions.Whole("--max-bytes", "Most bytes of text to run.", 256, 1 << 24, 65536);
        Option<int> sensitivity = NumberOptions.Whole(
            "--sensitivity-tokens", "Tokens, spread over those, that are run once more for each layer to find what it needs of a budget. 0: no such figures.", 0, 1 << 24, 8192);
        Option<bool> json = SharedOptions.Json();
        var command = new Command("calibrate", "Writes a model's calibration: thresholds for any budget, score quantiles and sensitivity, per layer.")
        {
            model, text, output, force, format, threads, maxBytes, sensitivity, json,
        };
        device.AddTo(command);
        command.SetAction((parsed, cancel) => Task.Run(
            () =>
            {
                var choice = new ModelChoice(parsed.GetValue(model), parsed.GetValue(format), parsed.GetValue(threads)) { Device = device.Read(parsed) };
                RequireFree(parsed.GetValue(output)!, parsed.GetValue(force));
                (CalibrationTable table, int bytes) = Run(choice, parsed.GetValue(text)!, parsed.GetValue(maxBytes), parsed.GetValue(sensitivity), cancel);
                table.Save(parsed.GetValue(output)!, parsed.GetValue(force));
                CalibrationReport report = CalibrationReport.Of(table, parsed.GetValue(output)!, bytes, 0.75);
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

    private static void RequireFree(string output, bool force)
    {
        if (!force && File.Exists(output))
        {
            throw new ToolException($"--out '{output}' exists; --force replaces it");
        }

        // Found out after all passes it would cost them.
        if (Path.GetDirectoryName(Path.GetFullPath(output)) is not { } folder || !Directory.Exists(folder))
        {
            throw new ToolException($"--out '{output}' is in no folder that exists");
        }
    }

    private static (CalibrationTable Table, int TextBytes) Run(ModelChoice choice, string path, int maxBytes, int sensitivityTokens, CancellationToken cancel)
    {
        // What lies beside the weights may be what is made anew.
        using MoEModel model = choice.Load(Batch, withCalibration: false);
        ReadOnlyMemory<byte> text = EvaluationText.Load(path, maxBytes).Scored;
        int[] tokens = [.. model.Tokenizer!.Encode(Utf8Text.Decode(text.Span, path))];
        CalibrationTable table = model.Calibrate(tokens, estimators: null, cancel);
        if (sensitivityTokens > 0)
        {
            table = table.WithSensitivity(model.MeasureSensitivity(Spread(tokens, Math.Max(sensitivityTokens, LayerCalibrator.MinTokens)), cancel));
        }

        return (table, text.Length);
    }

    // Whole windows from all over the text.
    private static int[] Spread(int[] tokens, int count)
    {
        int[][] windows = [.. tokens.Chunk(Batch)];
        int taken = Math.Min(windows.Length, (count + Batch - 1) / Batch);
        return [.. Enumerable.Range(0, taken).SelectMany(i => windows[(int)((long)i * windows.Length / taken)])];
    }
}
