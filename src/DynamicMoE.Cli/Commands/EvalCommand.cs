using System.CommandLine;
using DynamicMoE.Cli.Diagnosis;
using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Recording;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Cli.Text;

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
        Option<int> maxBytes = NumberOptions.Whole("--max-bytes", "Most bytes of text to score.", 256, 1 << 28, DefaultBytes);
        var row = new Option<string?>("--row")
        {
            Description = "Only the row of this name, such as 'static top-2' or 'dynamic 1.5'; for records that are compared with dmoe diff.",
            HelpName = "NAME",
        };
        var record = new RecordOptions();
        Option<string?> calibration = SharedOptions.Calibration();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("eval", "Compares static and dynamic routing on held-out text: quality, experts, FLOPs, time.")
        {
            text, model, budgets, format, threads, maxBytes, row, calibration, json,
        };
        record.AddTo(command);
        command.SetAction((parsed, cancel) => Task.Run(
            () =>
            {
                var choice = new ModelChoice(parsed.GetValue(model), parsed.GetValue(format), parsed.GetValue(threads));
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
        using var model = new EvaluatedModel(choice, calibration);
        IReadOnlyList<RoutingRule> rules = chosen.Of(model.Info.TrainedExperts);
        EvaluationText text = EvaluationText.Load(path, maxBytes);
        int[] tokens = model.Tokenize(Utf8Text.Decode(text.Scored.Span, text.Source));
        int[] warmup = model.Tokenize(Utf8Text.Decode(text.Warmup.Span, text.WarmupSource));
        if (calibration is not null)
        {
            // Thresholds are there already: one window compiles the code and touches the memory.
            warmup = warmup[..Math.Min(warmup.Length, model.Info.Window)];
        }

        // The first token has nothing before it, so its bytes are not scored.
        long bytes = tokens.Length < 2 ? 0 : text.Scored.Length - model.FirstTokenBytes(tokens);
        if (bytes <= 0)
        {
            throw new ToolException($"{text.Source} has {tokens.Length} tokens, at least 2 are needed");
        }

        using RunRecording recording = model.Attach(files, console);
        IReadOnlyList<EvaluationRow> rows = Evaluator.Run(model, rules, tokens, bytes, warmup, cancel);
        recording.Complete();
        RuntimeInfo runtime = RuntimeInfo.Query();
        return new EvaluationReport
        {
            Model = model.Info,
            Text = new EvaluationTextInfo
            {
                Source = text.Source,
                Bytes = text.Scored.Length,
                Tokens = tokens.Length,
                WarmupSource = text.WarmupSource,
                WarmupBytes = text.Warmup.Length,
            },
            Machine = new EvaluationMachineInfo
            {
                Isa = Doctor.IsaName(runtime.Isa),
                Threads = choice.Threads == 0 ? runtime.PoolThreads : choice.Threads,
                Cpu = runtime.CpuName,
                LibraryVersion = runtime.LibraryVersion,
            },
            Rows = rows,
        };
    }
}
