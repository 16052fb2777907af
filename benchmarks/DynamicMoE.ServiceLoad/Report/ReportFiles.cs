using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DynamicMoE.ServiceLoad.Report;

/// <summary>service.md and service.json.</summary>
internal static class ReportFiles
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write(string folder, string command, Setup setup, IReadOnlyList<Findings> scenarios)
    {
        Directory.CreateDirectory(folder);
        string machine = Machine.Describe();
        var document = new
        {
            Machine = machine,
            Command = command,
            setup.Seed,
            setup.Short,
            Scenarios = scenarios.Select(s => new { s.Scenario, s.Question, Seconds = Math.Round(s.Took.TotalSeconds, 1), s.Hold, Findings = s.All }),
        };
        File.WriteAllText(Path.Combine(folder, "service.json"), JsonSerializer.Serialize(document, s_json) + "\n");
        File.WriteAllText(Path.Combine(folder, "service.md"), Markdown(machine, command, setup, scenarios));
    }

    private static string Markdown(string machine, string command, Setup setup, IReadOnlyList<Findings> scenarios)
    {
        var text = new StringBuilder("# The service under load and faults\n\n");
        text.Append("Made by `benchmarks/DynamicMoE.ServiceLoad`, whose README says what each scenario does. Client and service share the machine.\n\n");
        text.Append("## Machine and command\n\n").Append(machine).Append("\n\n```\n").Append(command).Append("\n```\n\n");
        text.Append(CultureInfo.InvariantCulture, $"Seed {setup.Seed}.{(setup.Short ? " A short run: figures of seconds." : "")}\n\n");
        text.Append("| Scenario | Seconds | Bars kept |\n|---|---|---|\n");
        foreach (Findings scenario in scenarios)
        {
            int bars = scenario.All.Count(f => f.Needed is not null), kept = scenario.All.Count(f => f.Needed is not null && f.Holds);
            text.Append(CultureInfo.InvariantCulture, $"| [{scenario.Scenario}](#{scenario.Scenario}) | {scenario.Took.TotalSeconds:0} | {kept} of {bars} |\n");
        }

        foreach (Findings scenario in scenarios)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {scenario.Scenario}\n\n{scenario.Question}\n\n| Figure | Measured | Bar | Kept |\n|---|---|---|---|\n");
            foreach (Finding finding in scenario.All)
            {
                text.Append(CultureInfo.InvariantCulture, $"| {Cell(finding.Name)} | {Cell(finding.Measured)} | {Cell(finding.Needed ?? "")} | {Kept(finding)} |\n");
            }
        }

        return text.ToString();
    }

    private static string Kept(Finding finding) => finding.Needed is null ? "" : finding.Holds ? "yes" : "**no**";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");
}
