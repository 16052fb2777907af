namespace DynamicMoE.Hosting.Tests;

/// <summary>Files that are built into the tests.</summary>
internal static class Resources
{
    /// <summary>The specification's own config.yaml.</summary>
    public static string SpecConfig { get; } = Read("spec-config.yaml");

    /// <summary>The config.yaml with every setting.</summary>
    public static string FullConfig { get; } = Read("config.yaml");

    public static string Readme { get; } = Read("README.md");

    private static string Read(string name)
    {
        using Stream stream = typeof(Resources).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
