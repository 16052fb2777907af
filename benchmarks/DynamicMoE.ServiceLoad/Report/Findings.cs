using System.Globalization;

namespace DynamicMoE.ServiceLoad.Report;

/// <summary>What a scenario found, printed as it comes.</summary>
/// <param name="scenario">Its name.</param>
/// <param name="question">What it asks.</param>
internal sealed class Findings(string scenario, string question)
{
    private readonly List<Finding> _all = [];

    public string Scenario => scenario;

    public string Question => question;

    public IReadOnlyList<Finding> All => _all;

    public TimeSpan Took { get; set; }

    public bool Hold => _all.TrueForAll(finding => finding.Holds);

    public void Note(string name, FormattableString measured) => Add(new Finding(name, measured.ToString(CultureInfo.InvariantCulture), null, true));

    public void Require(string name, FormattableString measured, FormattableString needed, bool holds) =>
        Add(new Finding(name, measured.ToString(CultureInfo.InvariantCulture), needed.ToString(CultureInfo.InvariantCulture), holds));

    /// <summary>A count that must be zero, with an example where it is not.</summary>
    public void RequireNone(string name, long count, string? example = null) =>
        Require(name, $"{count}{(example is null || count == 0 ? "" : $", e.g. {example}")}", $"0", count == 0);

    public void RequireEqual(string name, long measured, long needed) => Require(name, $"{measured}", $"{needed}", measured == needed);

    public void Failed(Exception error) => Add(new Finding("ran to its end", $"{error.GetType().Name}: {error.Message}", "yes", false));

    private void Add(Finding finding)
    {
        _all.Add(finding);
        string verdict = finding.Needed is null ? "     " : finding.Holds ? "ok   " : "FAIL ";
        Console.WriteLine($"  {verdict}{finding.Name}: {finding.Measured}{(finding.Needed is null ? "" : $" (bar: {finding.Needed})")}");
    }
}
