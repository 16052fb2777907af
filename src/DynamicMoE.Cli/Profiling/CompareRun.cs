using DynamicMoE.Cli.Charts;
using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Profiling;

/// <summary>Compares the trained rule with dynamic ones, layer by layer, on the same hidden states.</summary>
internal static class CompareRun
{
    /// <summary>Runs and writes.</summary>
    /// <param name="console">Table or JSON, and progress.</param>
    /// <param name="request">What to run.</param>
    /// <param name="budgets">Mean experts per token of the dynamic rules; null for 0.75 and 0.625 of the trained number.</param>
    /// <param name="folder">Folder of the report; null = none.</param>
    /// <param name="json">Whether JSON is written in place of the table.</param>
    /// <param name="cancel">Ends the run.</param>
    public static void Run(ToolConsole console, ProfileRequest request, double[]? budgets, string? folder, bool json, CancellationToken cancel)
    {
        using ProfiledModel model = ProfiledModel.Load(request, cancel);
        RoutingRule[] rules = Rules(model.Info.TrainedExperts, budgets);
        MachineLimits? limits = ProfiledModel.Measure(request);
        var profiler = new ComparisonProfiler(new FlopProfilerOptions
        {
            Repetitions = request.Repetitions,
            Limits = limits,
            Charts = new PngCharts(),
            OutputDirectory = folder ?? Environment.CurrentDirectory,
        });
        ProgressDisplay.Run(console, progress => Compare(model, rules, profiler, progress, cancel));

        var report = new CompareReport(
            model.Info, EvaluationMachineInfo.Of(request.Model.Threads, model.Model), limits, profiler.GetTotals(), profiler.Results);
        ReportFiles.Write(folder, "compare", () => ToolJson.Of(report), profiler.GenerateComparisonReport);
        if (json)
        {
            console.Out.WriteLine(ToolJson.Of(report));
        }
        else
        {
            ProfileTables.Write(console, report);
        }
    }

    private static RoutingRule[] Rules(int trained, double[]? budgets)
    {
        budgets ??= [.. new[] { 0.75 * trained, 0.625 * trained }.Where(mean => mean >= 1)];
        double? wrong = budgets.Cast<double?>().FirstOrDefault(mean => mean > trained);
        return wrong is not null
            ? throw new ToolException(FormattableString.Invariant($"--budgets {wrong} is outside 1..{trained}, the trained number"))
            : [RoutingRule.Static(trained), .. budgets.Distinct().Select(mean => RoutingRule.Dynamic(mean, trained))];
    }

    private static int Compare(
        ProfiledModel model, RoutingRule[] rules, ComparisonProfiler profiler, IProgress<BenchmarkProgress> progress, CancellationToken cancel)
    {
        CalibrationTable calibration = model.Calibrate(cancel);
        IReadOnlyList<MoEBlock> blocks = model.Model.MoELayers;
        for (int i = 0; i < blocks.Count; i++)
        {
            progress.Report(new BenchmarkProgress("compare", i, blocks.Count, $"layer {blocks[i].Layer}"));
            var layers = new List<RoutedLayer>();
            try
            {
                foreach (RoutingRule rule in rules)
                {
                    layers.Add(LayerRules.Build(blocks[i], rule, calibration));
                }

                profiler.CompareRoutingStrategies(
                    [.. rules.Zip(layers, (rule, layer) => new RoutingCandidate(rule.Name, layer.Layer))],
                    model.States.Batches(i, model.Info.Tokens),
                    $"layer.{blocks[i].Layer}",
                    cancel);
            }
            finally
            {
                layers.ForEach(layer => layer.Dispose());
            }
        }

        progress.Report(new BenchmarkProgress("compare", blocks.Count, blocks.Count, ""));
        return blocks.Count;
    }
}
