using System.Globalization;
using DynamicMoE.Architecture.Tests.Sources;

namespace DynamicMoE.Architecture.Tests.SpecMap;

/// <summary>One line of tests/spec-map.tsv: an item of the Python API, its .NET member, the test that shows it.</summary>
/// <param name="Kind">class, function, method, parameter, field, environment, yaml or exception.</param>
/// <param name="Item">The item, e.g. <c>DynamicRouter.route.return.expert_indices</c>; unique.</param>
/// <param name="Member">The .NET member, e.g. <c>DynamicMoE.DynamicRouter.Route(hidden)</c>.</param>
/// <param name="Test">Class and method of a test; "-" while the row is open.</param>
/// <param name="Issue">Number of the issue that covers the item.</param>
/// <param name="Open">The issue is still open and the member does not exist yet.</param>
internal sealed record SpecRow(string Kind, string Item, string Member, string Test, int Issue, bool Open)
{
    private const string Path = "tests/spec-map.tsv";
    private const string Heading = "kind\titem\tmember\ttest\tissue";
    private const string OpenMark = "open:";

    /// <summary>The last part of the item as it is written in options, environment and configuration alike.</summary>
    public string PlainName
    {
        get
        {
            string last = Item[(Item.LastIndexOf('.') + 1)..];
            return last.Replace("DYNAMIC_MOE_", "", StringComparison.Ordinal).ToLowerInvariant();
        }
    }

    public static IReadOnlyList<SpecRow> Load() => Parse(Repository.Read(Path));

    public static IReadOnlyList<SpecRow> Parse(string text)
    {
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines[0] != Heading)
            throw new FormatException($"the first line must be '{Heading}'");
        return [.. lines.Skip(1).Select(ParseLine)];
    }

    private static SpecRow ParseLine(string line)
    {
        if (line.Split('\t') is not [var kind, var item, var member, var test, var issue])
            throw new FormatException($"five columns are needed: '{line}'");
        bool open = issue.StartsWith(OpenMark, StringComparison.Ordinal);
        return new SpecRow(kind, item, member, test, int.Parse(open ? issue[OpenMark.Length..] : issue, CultureInfo.InvariantCulture), open);
    }
}
