using System.CommandLine;
using DynamicMoE.Cli.Diagnosis;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe doctor</c>: what the native core can use here, and why.</summary>
internal static class DoctorCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        Option<string?> driver = CudaOptions.Driver();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("doctor", "Shows the native library, the instruction set chosen and why, cores, quota and CUDA devices.") { driver, json };
        command.SetAction(parsed =>
        {
            CudaOptions.Use(parsed.GetValue(driver));
            return Run(console, parsed.GetValue(json));
        });
        return command;
    }

    private static int Run(ToolConsole console, bool json)
    {
        DoctorReport report = Doctor.Examine();
        if (json)
        {
            ToolJson.Write(console, report);
        }
        else
        {
            Doctor.Write(console, report);
        }

        return report.Usable ? ExitCodes.Ok : ExitCodes.Failure;
    }
}
