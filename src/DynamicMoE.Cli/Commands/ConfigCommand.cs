using System.CommandLine;
using DynamicMoE.Cli.Configuration;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Hosting;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe config</c>: which settings are in force and why, or what is wrong with them.</summary>
internal static class ConfigCommand
{
    private static readonly string[] Presets = ["small", "medium", "large"];

    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console) => new("config", "Shows or checks settings: config.yaml, DYNAMIC_MOE_* variables, command line.")
    {
        Make("show", "Shows every setting with value, source and range.", (request, json) => Show(console, request, json)),
        Make("validate", "Lists everything that is wrong with the settings; exit code 1 when something is.", (request, json) => Validate(console, request, json)),
    };

    private static Command Make(string name, string description, Func<ConfigRequest, bool, int> run)
    {
        Option<string?> file = SharedOptions.FilePath("--config", "YAML file of settings. Default: config.yaml in the current folder, if there is one.");
        Option<string?> preset = Preset();
        Option<string[]> set = SharedOptions.Set();
        Option<bool> json = SharedOptions.Json();
        var command = new Command(name, description) { file, preset, set, json };
        command.SetAction(parsed => run(new ConfigRequest(parsed.GetValue(file), parsed.GetValue(preset), parsed.GetValue(set) ?? []), parsed.GetValue(json)));
        return command;
    }

    private static Option<string?> Preset() => new("--preset")
    {
        Description = "Settings for a size of model in place of the defaults; file, variables and --set win over them.",
        HelpName = string.Join('|', Presets),
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (!Presets.Contains(text))
            {
                result.AddError($"--preset '{text}' is not one of {string.Join(", ", Presets)}");
            }

            return text;
        },
    };

    private static int Show(ToolConsole console, ConfigRequest request, bool json)
    {
        DynamicMoESettings settings = request.Read();
        if (json)
        {
            ToolJson.Write(console, ConfigReport.Of(settings, request.ReadFile));
        }
        else
        {
            SettingText.Write(console, settings);
        }

        return ExitCodes.Ok;
    }

    private static int Validate(ToolConsole console, ConfigRequest request, bool json)
    {
        IReadOnlyList<SettingProblem> problems = [];
        try
        {
            request.Read();
        }
        catch (SettingsException error)
        {
            problems = error.Problems;
        }

        if (json)
        {
            ToolJson.Write(console, ValidationReport.Of(problems, request.ReadFile));
        }
        else
        {
            SettingText.Write(console, problems, request.ReadFile);
        }

        return problems.Count == 0 ? ExitCodes.Ok : ExitCodes.Failure;
    }
}
