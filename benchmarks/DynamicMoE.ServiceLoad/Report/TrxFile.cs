using System.Globalization;
using System.Xml.Linq;

namespace DynamicMoE.ServiceLoad.Report;

/// <summary>Results as a test run, one test per scenario.</summary>
internal static class TrxFile
{
    private static readonly XNamespace s_space = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";

    public static void Write(string path, IReadOnlyList<Findings> scenarios)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var results = scenarios.Select(scenario => new XElement(
            s_space + "UnitTestResult",
            new XAttribute("executionId", Guid.NewGuid()),
            new XAttribute("testName", $"DynamicMoE.ServiceLoad.{scenario.Scenario}"),
            new XAttribute("duration", scenario.Took.ToString("c", CultureInfo.InvariantCulture)),
            new XAttribute("outcome", scenario.Hold ? "Passed" : "Failed"),
            new XElement(s_space + "Output", new XElement(s_space + "StdOut", string.Join('\n', scenario.All.Select(Line))))));
        new XDocument(new XElement(s_space + "TestRun", new XAttribute("id", Guid.NewGuid()), new XElement(s_space + "Results", results))).Save(path);
    }

    // What a child process printed may hold what XML has no place for.
    private static string Line(Finding finding)
    {
        string line = $"{(finding.Holds ? "" : "FAIL ")}{finding.Name}: {finding.Measured} {finding.Needed}";
        return string.Concat(line.Select(c => char.IsControl(c) || char.IsSurrogate(c) || c >= '\uFFFE' ? '?' : c));
    }
}
