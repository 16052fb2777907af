using System.Text.Json;
using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Terminal;
using Xunit;

namespace DynamicMoE.Cli.Tests.Evaluation;

public sealed class EvaluationOutputTests
{
    private static readonly EvaluationReport Report = new()
    {
        Model = new EvaluationModelInfo
        {
            Name = "TinyMoE",
            Family = "mixtral",
            Layers = 4,
            MoeLayers = 4,
            Experts = 8,
            TrainedExperts = 2,
            Window = 512,
            Batch = 512,
            Format = "f32",
        },
        Text = new EvaluationTextInfo { Source = "a file", Bytes = 12345, Tokens = 12345, WarmupSource = "the rest", WarmupBytes = 8192 },
        Machine = new EvaluationMachineInfo { Isa = "avx2", Threads = 2, Cpu = "cpu", LibraryVersion = "0.1.0", Device = "cpu" },
        Rows = [Row("static top-2", null, 2, 0), Row("dynamic 1.5", 1.5, 1.503, 0.25)],
    };

    [Fact]
    public void Json_WhenWritten_HasExactlyTheDocumentedNames()
    {
        using JsonDocument json = JsonDocument.Parse(Written(ToolJson.Write));

        Assert.Equal(["model", "text", "machine", "rows"], Names(json.RootElement));
        Assert.Equal(
            ["name", "budget", "bits_per_byte", "mean_experts_per_token", "distinct_experts_per_batch", "moe_flops", "moe_wall_seconds",
             "tokens_per_second", "flops_saving", "wall_saving"],
            Names(json.RootElement.GetProperty("rows")[0]));
        Assert.Equal(
            ["name", "family", "layers", "moe_layers", "experts", "trained_experts", "window", "batch", "format"],
            Names(json.RootElement.GetProperty("model")));
        Assert.Equal(
            ["source", "bytes", "tokens", "warmup_source", "warmup_bytes"], Names(json.RootElement.GetProperty("text")));
        Assert.Equal(["isa", "threads", "cpu", "library_version", "device"], Names(json.RootElement.GetProperty("machine")));
    }

    [Fact]
    public void Json_WhenWritten_CarriesTheNumbers()
    {
        using JsonDocument json = JsonDocument.Parse(Written(ToolJson.Write));
        JsonElement row = json.RootElement.GetProperty("rows")[1];

        Assert.Equal("dynamic 1.5", row.GetProperty("name").GetString());
        Assert.Equal(1.503, row.GetProperty("mean_experts_per_token").GetDouble());
        Assert.Equal(0.25, row.GetProperty("flops_saving").GetDouble());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("rows")[0].GetProperty("budget").ValueKind);
    }

    [Fact]
    public void Table_WhenPiped_IsPlainColumns()
    {
        string[] lines = Written(EvaluationTable.Write).Split('\n');

        Assert.Contains("trained top-2, f32) on avx2, 2 threads", lines[0], StringComparison.Ordinal);
        Assert.Contains("12,345 bytes of a file", lines[1], StringComparison.Ordinal);
        Assert.Contains("warmed up on 8,192 other bytes (the rest)", lines[1], StringComparison.Ordinal);
        Assert.Equal(
            "routing       bits/byte  experts/token  distinct/batch  MoE GFLOP  MoE sec  tokens/s  FLOPs saved  wall saved", lines[3]);
        Assert.Equal(
            "static top-2     2.1234          2.000            7.50       1.50    0.125     4,321            -           -", lines[4]);
        Assert.Equal(
            "dynamic 1.5      2.1234          1.503            7.50       1.50    0.125     4,321        25.0%       25.0%", lines[5]);
    }

    [Fact]
    public void Machine_WhenTheLayersAreOnADevice_NamesIt()
    {
        Assert.Equal("avx2, 2 threads", Report.Machine.Line());
        Assert.Equal("avx2, 2 threads, MoE layers on cuda:1", (Report.Machine with { Device = "cuda:1" }).Line());
    }

    [Fact]
    public void Table_WhenOnATerminal_FitsInto80ColumnsWithoutCuttingAnything()
    {
        string text = Written(EvaluationTable.Write, isTerminal: true);

        string[] table = [.. text.Split('\n').Skip(3).TakeWhile(line => line.Trim().Length > 0)];
        Assert.All(table, line => Assert.True(line.TrimEnd().Length <= 80, line));
        Assert.DoesNotContain('\u2026', text);
        Assert.Contains("dynamic 1.5   2.1234", text, StringComparison.Ordinal);
    }

    private static EvaluationRow Row(string name, double? budget, double experts, double saving) => new()
    {
        Name = name,
        Budget = budget,
        BitsPerByte = 2.12341,
        MeanExpertsPerToken = experts,
        DistinctExpertsPerBatch = 7.5,
        MoeFlops = 1.5e9,
        MoeWallSeconds = 0.125,
        TokensPerSecond = 4321,
        FlopsSaving = saving,
        WallSaving = saving,
    };

    private static string Written(Action<ToolConsole, EvaluationReport> write, bool isTerminal = false)
    {
        using var output = new StringWriter { NewLine = "\n" };
        write(new ToolConsole(output, TextWriter.Null, isTerminal), Report);
        return output.ToString();
    }

    private static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(property => property.Name);
}
