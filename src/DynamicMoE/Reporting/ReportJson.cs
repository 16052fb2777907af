using System.Text.Json.Serialization;

namespace DynamicMoE;

/// <summary>JSON of reports: names in snake_case, indented. Generated, so that nothing is looked up by reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n", UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(FlopProfileDocument))]
[JsonSerializable(typeof(ComparisonDocument))]
[JsonSerializable(typeof(BenchmarkDocument))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(string))]
internal sealed partial class ReportJson : JsonSerializerContext;
