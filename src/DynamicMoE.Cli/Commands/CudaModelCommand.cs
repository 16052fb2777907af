using System.CommandLine;
using DynamicMoE.Cli.Benchmarking.Cuda;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe bench model</c>: the time of a layer on NVIDIA cards by their data sheets.</summary>
internal static class CudaModelCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        var file = new Option<string?>("--out") { Description = "File to write. Default: the console.", HelpName = "FILE" };
        var command = new Command("model", "Writes what the layer should take on NVIDIA cards, by their data sheets: a model, nothing is measured.") { file };
        command.SetAction(parsed =>
        {
            string report = CudaModelReport.Write(CudaKernels.Embedded());
            if (parsed.GetValue(file) is { } path)
            {
                File.WriteAllText(path, report);
            }
            else
            {
                console.Out.Write(report);
            }

            return ExitCodes.Ok;
        });
        return command;
    }
}
