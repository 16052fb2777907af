using System.CommandLine;

namespace DynamicMoE.Cli.Commands;

/// <summary>Options of commands that load a model: on which device its MoE layers run.</summary>
internal sealed class ModelDeviceOptions
{
    private readonly Option<ComputeDevice> _device = CudaOptions.Device("the MoE layers of the model compute (everything else runs on the processor)");
    private readonly Option<string?> _driver = CudaOptions.Driver();

    /// <summary>Adds the options.</summary>
    public void AddTo(Command command)
    {
        command.Add(_device);
        command.Add(_driver);
    }

    /// <summary>Puts the driver in force for the process.</summary>
    /// <returns>The device that is asked for.</returns>
    public ComputeDevice Read(ParseResult parsed)
    {
        CudaOptions.Use(parsed.GetValue(_driver));
        return parsed.GetValue(_device);
    }
}
