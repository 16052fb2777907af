using System.CommandLine;

namespace DynamicMoE.Cli.Commands;

/// <summary>Options about CUDA devices.</summary>
internal static class CudaOptions
{
    /// <summary><c>--device</c>: where something computes.</summary>
    /// <param name="what">What does, as the begin of a sentence after "Where".</param>
    public static Option<ComputeDevice> Device(string what) => new("--device")
    {
        Description = $"Where {what}: cpu, cuda (the best usable device) or cuda:N.",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => ComputeDevice.Cpu,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (ComputeDevice.TryParse(text, out ComputeDevice device) && device.Kind != ComputeDeviceKind.Auto)
            {
                return device;
            }

            result.AddError($"--device '{text}' is not cpu, cuda or cuda:N");
            return ComputeDevice.Cpu;
        },
    };

    /// <summary><c>--cuda-driver</c>: the driver's library.</summary>
    public static Option<string?> Driver() => new("--cuda-driver")
    {
        Description = "File of the CUDA driver's library. Default: the system's libcuda.so.1.",
        HelpName = "FILE",
    };

    /// <summary>Puts the driver in force for the process.</summary>
    public static void Use(string? driver)
    {
        if (driver is not null)
        {
            NativeLibraryOptions.CudaDriverPath = driver;
        }
    }
}
