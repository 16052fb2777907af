using System.CommandLine;
using DynamicMoE.Cli.Profiling;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe profile</c>: operations, bytes and time of a model's layers.</summary>
internal static class ProfileCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        Option<double?> budget = NumberOptions.Real("--budget", "Mean experts per token. Default: 0.75 of the trained number.", 1, 64);
        var fixedRule = new Option<bool>("--static") { Description = "Route as the model was trained." };
        Option<string?> folder = SharedOptions.Folder("Folder for profile.md, profile.json and charts.");
        Option<bool> json = SharedOptions.Json();
        var command = new Command("profile", "Counts operations and bytes of each layer with experts, and holds its time against the machine's limits.")
        {
            budget, fixedRule, folder, json,
        };
        var options = new ProfileOptions(command, "Timed calls of each layer.", batches: null);
        command.Validators.Add(result =>
        {
            if (result.GetValue(budget) is not null && result.GetValue(fixedRule))
            {
                result.AddError("--budget and --static exclude each other");
            }
        });
        command.SetAction((parsed, cancel) => Task.Run(
            () =>
            {
                ProfileRun.Run(
                    console, options.Request(parsed), parsed.GetValue(budget), parsed.GetValue(fixedRule), parsed.GetValue(folder), parsed.GetValue(json), cancel);
                return ExitCodes.Ok;
            },
            cancel));
        return command;
    }
}
