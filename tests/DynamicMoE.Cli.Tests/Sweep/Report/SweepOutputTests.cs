using System.Text.Json;
using DynamicMoE.Cli.Sweep.Report;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.TestKit.Checkpoints;
using Xunit;

namespace DynamicMoE.Cli.Tests.Sweep.Report;

public sealed class SweepOutputTests
{
    [Fact]
    public void Json_WhenWritten_HasExactlyTheDocumentedNames()
    {
        using JsonDocument json = JsonDocument.Parse(Written(json: true, null));
        JsonElement root = json.RootElement;

        Assert.Equal(
            ["model", "text", "machine", "windows", "window_tokens", "scored_tokens", "calibration_tokens", "calibration_source", "gap", "rows", "times", "bars", "best_signal"], Names(root));
        Assert.Equal(["bits_per_byte", "standard_error", "trained_scale_bits_per_byte"], Names(root.GetProperty("gap")));
        Assert.Equal(
            ["name", "signal", "weighting", "budget", "mean_experts_per_token", "bits_per_byte", "loss", "loss_standard_error", "share_of_gap",
             "share_of_gap_upper", "share_of_trained_scale_gap", "errors_below_random"],
            Names(root.GetProperty("rows")[0]));
        Assert.Equal(["name", "mean_experts_per_token", "moe_wall_seconds", "ratio"], Names(root.GetProperty("times")[0]));
        Assert.Equal(["name", "budget", "value", "limit", "met"], Names(root.GetProperty("bars")[0]));
    }

    [Fact]
    public void Table_WhenPiped_HasRowsTimesAndLimits()
    {
        string[] lines = Written(json: false, null).Split('\n');

        Assert.Contains(
            "200 windows of 256 tokens, 51,000 scored, spread evenly over 530,953 bytes of a file; calibrated on 12,800 other tokens (windows between them)", lines);
        Assert.Contains("0.0500 bits per byte, standard error 0.0010; with top-1 at its trained weight it would be 0.0400", lines[2], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith("confidence 1.5   trained_scale          1.500     2.0500  +0.0100", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("dynamic 1.5           1.500    0.800  0.800", StringComparison.Ordinal));
        Assert.Contains("share_of_gap_upper at 1.5: 0.070, at most 0.080: met", lines);
        Assert.Contains("Least loss over all budgets, control and bound aside: confidence.", lines);
    }

    [Fact]
    public void Folder_WhenGiven_GetsPageDataAndPlot()
    {
        using var directory = new TemporaryDirectory();
        string folder = directory["new"];

        Written(json: false, folder);

        Assert.Equal(
            ["routing.json", "routing.md", "routing.png"], Directory.GetFiles(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(Path.Combine(folder, "routing.png"))[..4]);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "routing.json")));
        Assert.Equal("confidence", json.RootElement.GetProperty("best_signal").GetString());
    }

    [Fact]
    public void Page_WhenWritten_HasSharesBySignalAndBudget()
    {
        string page = new SweepMarkdown(Reports.Report).Text("plot.png");

        Assert.Contains("![Bits per byte over experts per token](plot.png)", page, StringComparison.Ordinal);
        Assert.Contains("| signal | weights | 1.25 | 1.5 |", page, StringComparison.Ordinal);
        Assert.Contains("| confidence | trained_scale | 5.0 % (7.0 %) | 5.0 % (7.0 %) |", page, StringComparison.Ordinal);
        Assert.Contains("| random | trained_scale | - | 5.0 % (7.0 %) |", page, StringComparison.Ordinal);
        Assert.Contains("| share_of_gap_upper | 1.5 | 0.07 | <= 0.08 | yes |", page, StringComparison.Ordinal);
        Assert.EndsWith("|\n", page, StringComparison.Ordinal);
    }

    private static string Written(bool json, string? folder)
    {
        using var output = new StringWriter { NewLine = "\n" };
        SweepOutput.Write(new ToolConsole(output, TextWriter.Null, IsTerminal: false), Reports.Report, json, folder);
        return output.ToString();
    }

    private static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(property => property.Name);
}
