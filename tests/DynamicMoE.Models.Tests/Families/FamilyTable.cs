namespace DynamicMoE.Models.Tests.Families;

/// <summary>A fact about a family.</summary>
/// <param name="Family">model_type.</param>
/// <param name="Kind">tensor, role, default, required or rule.</param>
/// <param name="When">Where a tensor occurs, or which rule.</param>
/// <param name="Subject">Tensor name, key, or keys with values.</param>
/// <param name="Value">Shape, role, default or outcome.</param>
/// <param name="Source">Repository and path of the public file that says so.</param>
/// <param name="Symbol">Class or function in it.</param>
public sealed record FamilyFact(string Family, string Kind, string When, string Subject, string Value, string Source, string Symbol);

/// <summary>families.tsv: what is known about each family, and from where.</summary>
internal static class FamilyTable
{
    public static IReadOnlyList<FamilyFact> Facts { get; } = Read();

    public static IEnumerable<FamilyFact> Of(string family, string kind) => Facts.Where(f => f.Family == family && f.Kind == kind);

    /// <summary>Families in the table.</summary>
    public static IReadOnlyList<string> Families => [.. Facts.Select(f => f.Family).Distinct()];

    private static FamilyFact[] Read()
    {
        using var reader = new StreamReader(typeof(FamilyTable).Assembly.GetManifestResourceStream("families.tsv")!);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line =>
        {
            string[] cells = line.Split('\t');
            Assert.Equal(7, cells.Length);
            return new FamilyFact(cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]);
        })];
    }
}
