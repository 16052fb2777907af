using System.Text.Json;
using DynamicMoE.Peers.Questions;
using DynamicMoE.Peers.Results;

namespace DynamicMoE.Peers.Tests;

public sealed class ResultFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    [Fact]
    public void Add_WhenTheFileIsEmpty_WritesSnakeCase()
    {
        ResultFile.Add(_path, Report(TestCells.Of(ratio: 2)));

        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(_path));
        JsonElement cell = Assert.Single(json.RootElement.GetProperty("cells").EnumerateArray());
        Assert.Equal(2, cell.GetProperty("ratio_to_fastest_peer").GetDouble());
        Assert.Equal(0.01, cell.GetProperty("peers")[0].GetProperty("relative_error").GetDouble());
        Assert.False(cell.TryGetProperty("machine", out _));
        Assert.Equal(3, json.RootElement.GetProperty("bars").GetArrayLength());
        Assert.Equal(1000, json.RootElement.GetProperty("machine").GetProperty("l3_bytes").GetInt64());
    }

    [Fact]
    public void Add_WhenACellIsMeasuredAgain_ReplacesIt()
    {
        ResultFile.Add(_path, Report(TestCells.Of(tokens: 1, milliseconds: 5), TestCells.Of(tokens: 8, milliseconds: 6)) with { Commands = ["first"] });
        ResultFile.Add(_path, Report(TestCells.Of(tokens: 1, milliseconds: 7)) with { Commands = ["second"] });

        PeersReport read = ResultFile.Read(_path);

        Assert.Equal([(8, 6.0), (1, 7.0)], read.Cells.Select(cell => (cell.Tokens, cell.Milliseconds)));
        Assert.Equal(["first", "second"], read.Commands);
    }

    [Fact]
    public void Add_WhenOtherQuestionsWereAsked_KeepsTheirAnswers()
    {
        var dynamic = new DynamicCount("M", "f32", 1, 1, "counts", 1.5, 2, 1.5, 0.75);
        ResultFile.Add(_path, Report() with { Dynamic = [dynamic] });
        ResultFile.Add(_path, Report(TestCells.Of()));

        Assert.Equal(dynamic, Assert.Single(ResultFile.Read(_path).Dynamic));
    }

    [Fact]
    public void Add_WhenTheFileIsOfAnotherMachine_RefusesAndKeepsIt()
    {
        ResultFile.Add(_path, Report(TestCells.Of()));

        Assert.Throws<InvalidDataException>(() => ResultFile.Add(_path, Report() with { Machine = TestCells.Machine with { Cpu = "another" } }));
        Assert.Single(ResultFile.Read(_path).Cells);
    }

    [Fact]
    public void Read_WhenTheFileHoldsSomethingElse_IsRefused()
    {
        File.WriteAllText(_path, "[1]");

        Assert.Throws<InvalidDataException>(() => ResultFile.Read(_path));
    }

    public void Dispose() => File.Delete(_path);

    private static PeersReport Report(params LayerCell[] cells) =>
        new() { Machine = TestCells.Machine, Versions = new Dictionary<string, string> { ["onnxruntime"] = "1.31.1" }, Cells = cells };
}
