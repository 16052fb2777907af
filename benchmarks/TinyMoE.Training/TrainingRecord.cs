using System.Text.Json;

namespace TinyMoE.Training;

/// <summary>What a run was made of and what it yielded; written as training.json beside the weights.</summary>
internal sealed record TrainingRecord
{
    public const string FileName = "training.json";

    public required string SdkVersion { get; init; }
    public required IReadOnlyList<string> Packs { get; init; }
    public required string CorpusSha256 { get; init; }
    public required int TrainingBytes { get; init; }
    public required int TrainingFiles { get; init; }
    public required int TrainingParagraphs { get; init; }
    public required int HeldOutBytes { get; init; }
    public required int HeldOutFiles { get; init; }
    public required int HeldOutParagraphs { get; init; }
    public required Recipe Recipe { get; init; }
    public required long Parameters { get; init; }
    public required int StepsDone { get; init; }
    public required int Threads { get; init; }
    public required double Minutes { get; init; }
    public required double MaxMinutes { get; init; }
    public int EvaluationWindows { get; init; }
    public IReadOnlyList<CurvePoint> Curve { get; init; } = [];

    public void Save(string folder) =>
        File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, JsonFormat.Indented) + "\n");

    /// <exception cref="InvalidDataException">The file holds null.</exception>
    public static TrainingRecord Load(string folder) =>
        JsonSerializer.Deserialize<TrainingRecord>(File.ReadAllText(Path.Combine(folder, FileName)), JsonFormat.Indented)
        ?? throw new InvalidDataException($"{FileName} is empty.");
}
