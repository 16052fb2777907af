using System.Globalization;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>A cell for people.</summary>
internal static class CudaTable
{
    public static void Write(ToolConsole console, CudaCell cell)
    {
        void Line(string name, string value) => console.Out.WriteLine($"{name,-9}{value}");
        Line("cell", $"{cell.Shape}, {cell.Tokens} tokens, {cell.Format}");
        Line("device", $"{cell.Device}, compute capability {cell.ComputeCapability}, driver {cell.Driver}");
        Line("time", $"{Number(cell.Milliseconds)} ms in device memory, {Number(cell.MillisecondsWithCopies)} ms with copies; median of {cell.Repetitions}");
        Line("model", cell.ModelMilliseconds is { } model
            ? $"{Number(model)} ms ({cell.ModelSource}); measured over modelled {Number(cell.RatioToModel!.Value)}"
            : $"none: nothing is known of cards of compute capability {cell.ComputeCapability}, or the driver does not tell clock and memory");
    }

    private static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
