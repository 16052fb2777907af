using System.Reflection;

namespace DynamicMoE.Architecture.Tests.SpecMap;

/// <summary>What must hold for the rows of the map; each broken rule is one line of text.</summary>
internal static class SpecRules
{
    private const string ExceptionBase = "DynamicMoE.DynamicMoEException";

    /// <summary>Rows whose .NET member or test is not there although their issue is done.</summary>
    public static IEnumerable<string> Gaps(IReadOnlyList<SpecRow> rows, MemberLookup lookup)
    {
        foreach (SpecRow row in rows.Where(r => !r.Open))
        {
            if (!FitsKind(row, lookup))
                yield return $"{row.Item}: no public {row.Kind} {row.Member}";
            if (!lookup.HasTest(row.Test))
                yield return $"{row.Item}: no test {row.Test}";
        }
    }

    /// <summary>Rows marked open whose member exists: the mark has to go and a test has to be named.</summary>
    public static IEnumerable<string> OpenButThere(IReadOnlyList<SpecRow> rows, MemberLookup lookup) =>
        rows.Where(r => r.Open && lookup.Exists(r.Member)).Select(r => $"{r.Item}: {r.Member} exists, so the row is not open");

    /// <summary>Items that stand twice, and members that stand for items of different names or states.</summary>
    public static IEnumerable<string> Contradictions(IReadOnlyList<SpecRow> rows)
    {
        foreach (IGrouping<string, SpecRow> same in rows.GroupBy(r => r.Item).Where(g => g.Count() > 1))
            yield return $"{same.Key}: {same.Count()} rows";
        foreach (IGrouping<string, SpecRow> same in rows.GroupBy(r => r.Member))
        {
            if (same.Select(r => r.PlainName).Distinct().Count() > 1)
                yield return $"{same.Key}: stands for {string.Join(", ", same.Select(r => r.Item))}";
            if (same.Select(r => r.Open).Distinct().Count() > 1)
                yield return $"{same.Key}: open in one row and done in another";
        }
    }

    /// <summary>Rows that are written wrongly whatever the product holds.</summary>
    public static IEnumerable<string> Mistakes(IReadOnlyList<SpecRow> rows) =>
        rows.Where(r => r.Issue is < 1 or > 5 || r.Open != (r.Test == "-") || !r.Member.StartsWith("DynamicMoE.", StringComparison.Ordinal))
            .Select(r => $"{r.Item}: {r.Member}, test {r.Test}, issue {r.Issue}");

    private static bool FitsKind(SpecRow row, MemberLookup lookup)
    {
        Type? type = lookup.FindType(row.Member);
        IReadOnlyList<MemberInfo> members = lookup.FindMembers(row.Member);
        return row.Kind switch
        {
            "class" => type is not null,
            "exception" => type is not null && lookup.FindType(ExceptionBase) is { } parent && parent.IsAssignableFrom(type),
            "function" or "method" => members.OfType<MethodBase>().Any(),
            "environment" or "yaml" => members.Any(m => m is PropertyInfo or FieldInfo),
            // A result may be written into a buffer that the caller hands in, so a field too may be a parameter here.
            "parameter" or "field" => members.Any(m => m is PropertyInfo or FieldInfo || (m is MethodBase && row.Member.EndsWith(')'))),
            _ => false,
        };
    }
}
