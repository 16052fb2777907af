using System.CommandLine;
using DynamicMoE.Cli.Profiling;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe compare</c>: the trained rule beside dynamic ones, on the same weights and the same hidden states.</summary>
internal static class CompareCommand
{
    private const int Batches = 16;

    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        Option<double[]> budgets = NumberOptions.RealsOrNone(
            "--budgets", "Mean experts per token of the dynamic rules. Default: 0.75 and 0.625 of the trained number.", 1, 64);
        Option<string?> folder = SharedOptions.Folder("Folder for compare.md, compare.json and charts.");
        Option<bool> json = SharedOptions.Json();
        var command = new Command("compare", "Compares operations, bytes, time and output of static and dynamic routing, layer by layer.") { budgets, folder, json };
        var options = new ProfileOptions(command, "Timed passes of each rule.", Batches);
        command.SetAction((parsed, cancel) => Task.Run(
            () =>
            {
                CompareRun.Run(console, options.Request(parsed), NumberOptions.Given(parsed, budgets), parsed.GetValue(folder), parsed.GetValue(json), cancel);
                return ExitCodes.Ok;
            },
            cancel));
        return command;
    }
}
