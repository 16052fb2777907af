namespace DynamicMoE.Cli.Sweep;

/// <summary>Weightings as command line and JSON spell them.</summary>
internal static class WeightingNames
{
    private static readonly (string Name, Weighting Weighting)[] Known =
        [("trained_scale", Weighting.TrainedScale), ("renormalize", Weighting.Renormalize), ("raw", Weighting.Raw)];

    /// <summary>All names.</summary>
    public static IEnumerable<string> All => Known.Select(known => known.Name);

    /// <summary>The name of a weighting.</summary>
    public static string Name(Weighting weighting) => Array.Find(Known, known => known.Weighting == weighting).Name;

    /// <summary>The weighting of a name; null when there is none.</summary>
    public static Weighting? Find(string name) => Known.Where(known => known.Name == name).Select(known => (Weighting?)known.Weighting).FirstOrDefault();
}
