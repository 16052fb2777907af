namespace DynamicMoE.Cli.Models;

/// <summary>Weight formats as the command line spells them.</summary>
internal static class WeightFormats
{
    private static readonly (string Name, WeightFormat Format)[] Known =
    [
        ("f32", WeightFormat.Float32), ("bf16", WeightFormat.BFloat16), ("q8", WeightFormat.Q8), ("q4", WeightFormat.Q4),
    ];

    /// <summary>All names.</summary>
    public static IEnumerable<string> Names => Known.Select(known => known.Name);

    /// <summary>The format of a name; null when there is none.</summary>
    public static WeightFormat? Find(string name)
    {
        foreach (var known in Known)
        {
            if (known.Name == name)
            {
                return known.Format;
            }
        }

        return null;
    }

    /// <summary>The name of a format.</summary>
    public static string Name(WeightFormat format) => Array.Find(Known, known => known.Format == format).Name;
}
