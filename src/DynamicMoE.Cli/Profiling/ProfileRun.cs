using DynamicMoE.Cli.Charts;
using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Profiling;

/// <summary>Profiles every layer of a model with experts under one rule.</summary>
internal static class ProfileRun
{
    /// <summary>Runs and writes.</summary>
    /// <param name="console">Table or JSON, and progress.</param>
    /// <param name="request">What to run; one batch per layer.</param>
    /// <param name="budget">Mean experts per token; null for 0.75 of the trained number.</param>
    /// <param name="fixedRule">Whether the layers route as they were trained instead.</param>
    /// <param name="folder">Folder of the report; null = none.</param>
    /// <param name="json">Whether JSON is written in place of the table.</param>
    /// <param name="cancel">Ends the run.</param>
    public static void Run(
        ToolConsole console, ProfileRequest request, double? budget, bool fixedRule, string? folder, bool json, CancellationToken cancel)
    {
        using ProfiledModel model = ProfiledModel.Load(request, cancel);
        RoutingRule rule = Rule(model.Info.TrainedExperts, budget, fixedRule);
        MachineLimits? limits = ProfiledModel.Measure(request);
        var profiler = new FlopProfiler(new FlopProfilerOptions
        {
            Repetitions = request.Repetitions,
            Limits = limits,
            Charts = new PngCharts(),
            OutputDirectory = folder ?? Environment.CurrentDirectory,
        });
        ProgressDisplay.Run(console, progress => Profile(model, rule, profiler, progress, cancel));

        var report = new ProfileReport(
            model.Info, EvaluationMachineInfo.Of(request.Model.Threads, model.Model), limits, rule.Name, profiler.GetSummary(), profiler.Profiles);
        ReportFiles.Write(folder, "profile", () => ToolJson.Of(report), profiler.GenerateReport);
        if (json)
        {
            console.Out.WriteLine(ToolJson.Of(report));
        }
        else
        {
            ProfileTables.Write(console, report);
        }
    }

    private static RoutingRule Rule(int trained, double? budget, bool fixedRule)
    {
        if (fixedRule)
        {
            return RoutingRule.Static(trained);
        }

        double mean = budget ?? Math.Max(1, 0.75 * trained);
        return mean <= trained ? RoutingRule.Dynamic(mean, trained) : throw new ToolException(FormattableString.Invariant($"--budget {mean} is outside 1..{trained}, the trained number"));
    }

    private static int Profile(
        ProfiledModel model, RoutingRule rule, FlopProfiler profiler, IProgress<BenchmarkProgress> progress, CancellationToken cancel)
    {
        CalibrationTable? calibration = rule.Budget is null ? null : model.Calibrate(cancel);
        IReadOnlyList<MoEBlock> blocks = model.Model.MoELayers;
        for (int i = 0; i < blocks.Count; i++)
        {
            cancel.ThrowIfCancellationRequested();
            progress.Report(new BenchmarkProgress("profile", i, blocks.Count, $"layer {blocks[i].Layer}"));
            var batch = model.States.Batches(i, model.Info.Tokens)[0];
            using RoutedLayer layer = LayerRules.Build(blocks[i], rule, calibration);
            _ = profiler.ProfileRouting(layer.Router, batch, name: $"layer.{blocks[i].Layer} routing");
            _ = profiler.ProfileLayer(layer.Layer, batch, name: $"layer.{blocks[i].Layer}");
        }

        progress.Report(new BenchmarkProgress("profile", blocks.Count, blocks.Count, ""));
        return blocks.Count;
    }
}
