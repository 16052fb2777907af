using System.Text.Json;
using System.Text.Json.Serialization;
using DynamicMoE.Cli.Benchmarking;
using DynamicMoE.Cli.Benchmarking.Cuda;
using DynamicMoE.Cli.Calibration;
using DynamicMoE.Cli.Configuration;
using DynamicMoE.Cli.Diagnosis;
using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Packing;
using DynamicMoE.Cli.Profiling;
using DynamicMoE.Cli.Recording;
using DynamicMoE.Cli.Sweep.Report;

namespace DynamicMoE.Cli.Terminal;

/// <summary>All JSON of the tool: snake_case, indented.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    UseStringEnumConverter = true,
    NewLine = "\n")]
[JsonSerializable(typeof(EvaluationReport))]
[JsonSerializable(typeof(SweepReport))]
[JsonSerializable(typeof(DoctorReport))]
[JsonSerializable(typeof(PackReport))]
[JsonSerializable(typeof(CalibrationReport))]
[JsonSerializable(typeof(DiffReport))]
[JsonSerializable(typeof(ConfigReport))]
[JsonSerializable(typeof(ValidationReport))]
[JsonSerializable(typeof(LayerCell))]
[JsonSerializable(typeof(CudaCell))]
[JsonSerializable(typeof(PeersCells))]
[JsonSerializable(typeof(ProfileReport))]
[JsonSerializable(typeof(CompareReport))]
internal sealed partial class ToolJson : JsonSerializerContext
{
    /// <summary>Writes an evaluation.</summary>
    public static void Write(ToolConsole console, EvaluationReport report) =>
        console.Out.WriteLine(JsonSerializer.Serialize(report, Default.EvaluationReport));

    /// <summary>A sweep as text.</summary>
    public static string Of(SweepReport report) => JsonSerializer.Serialize(report, Default.SweepReport);

    /// <summary>A profile as text.</summary>
    public static string Of(ProfileReport report) => JsonSerializer.Serialize(report, Default.ProfileReport);

    /// <summary>A comparison as text.</summary>
    public static string Of(CompareReport report) => JsonSerializer.Serialize(report, Default.CompareReport);

    /// <summary>Writes a diagnosis.</summary>
    public static void Write(ToolConsole console, DoctorReport report) =>
        console.Out.WriteLine(JsonSerializer.Serialize(report, Default.DoctorReport));

    /// <summary>Writes what a packed model holds.</summary>
    public static void Write(ToolConsole console, PackReport report) =>
        console.Out.WriteLine(JsonSerializer.Serialize(report, Default.PackReport));

    /// <summary>Writes what a calibration found out.</summary>
    public static void Write(ToolConsole console, CalibrationReport report) =>
        console.Out.WriteLine(JsonSerializer.Serialize(report, Default.CalibrationReport));

    /// <summary>Writes where two runs part.</summary>
    public static void Write(ToolConsole console, DiffReport report) =>
        console.Out.WriteLine(JsonSerializer.Serialize(report, Default.DiffReport));

    /// <summary>Writes settings.</summary>
    public static void Write(ToolConsole console, ConfigReport report) =>
        console.Out.WriteLine(JsonSerializer.Serialize(report, Default.ConfigReport));

    /// <summary>Writes what is wrong with settings.</summary>
    public static void Write(ToolConsole console, ValidationReport report) =>
        console.Out.WriteLine(JsonSerializer.Serialize(report, Default.ValidationReport));

    /// <summary>Writes a measured layer.</summary>
    public static void Write(ToolConsole console, LayerCell cell) =>
        console.Out.WriteLine(JsonSerializer.Serialize(cell, Default.LayerCell));

    /// <summary>Writes a layer that was measured on a device.</summary>
    public static void Write(ToolConsole console, CudaCell cell) =>
        console.Out.WriteLine(JsonSerializer.Serialize(cell, Default.CudaCell));
}
