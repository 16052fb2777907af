using System.CommandLine;
using DynamicMoE.Cli.Recording;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe diff</c>: where two recorded runs part.</summary>
internal static class DiffCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        var first = new Argument<string>("first") { Description = "Record that --record wrote." };
        var second = new Argument<string>("second") { Description = "Record to compare it with." };
        Option<bool> json = SharedOptions.Json();
        var command = new Command("diff", "Shows where the routing of two recorded runs parts: token, layer, experts.") { first, second, json };
        command.SetAction((parsed, cancel) => Task.Run(
            () =>
            {
                DiffReport report = Run(parsed.GetValue(first)!, parsed.GetValue(second)!, cancel);
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

    private static DiffReport Run(string first, string second, CancellationToken cancel)
    {
        foreach (string path in new[] { first, second })
        {
            if (!File.Exists(path))
            {
                throw new ToolException($"'{path}' is not a file");
            }
        }

        using RoutingRecordReader a = RoutingRecordReader.Open(first);
        using RoutingRecordReader b = RoutingRecordReader.Open(second);
        return DiffReport.Of(RoutingDiff.Compare(a, b, cancel), first, second);
    }
}
