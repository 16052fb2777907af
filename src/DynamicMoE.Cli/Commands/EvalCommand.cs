using System.CommandLine;
using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Recording;
using DynamicMoE.Cli.Sweep;
using DynamicMoE.Cli.Sweep.Report;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe eval</c>: quality and cost of static and dynamic routing on the same text.</summary>
internal static class EvalCommand
{
    private const int DefaultBytes = 16384;

    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        var text = new Option<string?>("--text")
        {
            Description = "UTF-8 file to run. Default: the installed .NET SDK's held-out documentation, else embedded text.",
            HelpName = "FILE",
        };
        Option<string?> model = SharedOptions.Model();
        Option<double[]> budgets = NumberOptions.Reals(
            "--budgets", "Mean experts per token of the dynamic rows, at most the trained number.", 1, 64, [1.25, 1.5]);
        Option<WeightFormat?> format = SharedOptions.Format(SharedOptions.LoadedFormat);
        Option<int> threads = SharedOptions.Threads();
        var device = new ModelDeviceOptions();
        Option<int> maxBytes = NumberOptions.Whole(
            "--max-bytes", $"Most bytes of text to score, or with --sweep (default {SweepOptions.DefaultBytes}) to choose windows from.", 256, 1 << 28, DefaultBytes);
        var row = new Option<string?>("--row")
        {
            Description = "Only the row of this name, such as 'static top-2' or 'dynamic 1.5'; for records that are compared with dmoe diff.",
            HelpName = "NAME",
        };
        var record = new RecordOptions();
        var sweep = new SweepOptions();
        Option<string?> calibration = SharedOptions.Calibration();
        Option<bool> verify = SharedOptions.VerifyChecksums();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("eval", "Compares static and dynamic routing on held-out text: quality, experts, FLOPs, time.")
        {
            text, model, budgets, format, threads, maxBytes, row, calibration, verify, json,
        };
        device.AddTo(command);
        record.AddTo(command);
        sweep.AddTo(command);
        command.SetAction((parsed, cancel) => Task.Run(
            () =>
            {
                var choice = new ModelChoice(parsed.GetValue(model), parsed.GetValue(format), parsed.GetValue(threads))
                {
                    VerifyChecksums = parsed.GetValue(verify),
                    Device = device.Read(parsed),
                };
                if (sweep.Asked(parsed))
                {
                    SweepOutput.Prepare(sweep.Folder(parsed));
                    SweepRequest request = sweep.Request(parsed, Given(parsed, budgets) ? parsed.GetValue(budgets) : null);
                    int bytes = Given(parsed, maxBytes) ? parsed.GetValue(maxBytes) : SweepOptions.DefaultBytes;
                    SweepOutput.Write(
                        console, Sweep(console, choice, parsed.GetValue(text), bytes, request, cancel), parsed.GetValue(json), sweep.Folder(parsed));
                    return ExitCodes.Ok;
                }

                var rows = new RowChoice(parsed.GetValue(budgets)!, parsed.GetValue(row));
                EvaluationReport report = Run(
                    console,
                    choice,
                    parsed.GetValue(text),
                    rows,
                    parsed.GetValue(maxBytes),
                    SharedOptions.LoadCalibration(parsed.GetValue(calibration)),
                    record.Parse(parsed),
                    cancel);
                if (parsed.GetValue(json))
                {
                    ToolJson.Write(console, report);
                }
                else
                {
                    EvaluationTable.Write(console, report);
                }

                return ExitCodes.Ok;
            },
            cancel));
        return command;
    }

    private static EvaluationReport Run(
        ToolConsole console,
        ModelChoice choice,
        string? path,
        RowChoice chosen,
        int maxBytes,
        CalibrationTable? calibration,
        RunFiles files,
        CancellationToken cancel)
    {
        files.RequireUsable();
        using var model = new EvaluatedModel(choice, calibration);
        IReadOnlyList<RoutingRule> rules = chosen.Of(model.Info.TrainedExperts);
        PreparedText text = PreparedText.Load(model, path, maxBytes);

        // With a calibration thresholds are there already: one window compiles the code and touches the memory.
        int[] warmup = (calibration ?? model.Model.Calibration) is null ? text.Warmup : text.Warmup[..Math.Min(text.Warmup.Length, model.Info.Window)];
        using RunRecording recording = model.Attach(files, console);
        IReadOnlyList<EvaluationRow> rows = ProgressDisplay.Run(
            console, progress => Evaluator.Run(model, rules, text.Tokens, text.Bytes, warmup, progress, cancel));
        recording.Complete();
        return new EvaluationReport { Model = model.Info, Text = text.Info, Machine = EvaluationMachineInfo.Of(choice.Threads, model.Model), Rows = rows };
    }

    private static SweepReport Sweep(
        ToolConsole console, ModelChoice choice, string? path, int maxBytes, SweepRequest request, CancellationToken cancel)
    {
        using var model = new EvaluatedModel(choice);
        PreparedText text = PreparedText.Load(model, path, maxBytes);
        return ProgressDisplay.Run(
            console, progress => SweepEvaluation.Run(model, text, EvaluationMachineInfo.Of(choice.Threads, model.Model), request, progress, cancel));
    }

    private static bool Given(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };
}
