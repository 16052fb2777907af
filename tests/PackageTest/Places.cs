using System.Reflection;

namespace PackageTest;

/// <summary>Where things are; the project file writes it into the assembly.</summary>
internal static class Places
{
    /// <summary>Root of the repository.</summary>
    public static string Repository { get; } = Metadata("RepositoryRoot");

    /// <summary>Packages that restores of this repository brought to the machine; spares fresh applications the download.</summary>
    public static string PackageCache { get; } = Metadata("PackageCache");

    /// <summary>Version of Microsoft.Extensions.Hosting for a fresh worker.</summary>
    public static string HostingVersion { get; } = Metadata("HostingVersion");

    /// <summary>What the target TestPackages packed.</summary>
    public static string Packages { get; } = Path.Combine(Repository, "artifacts/test-packages");

    /// <summary>The program that the AOT compiler made of tests/AotTest.</summary>
    public static string AotProgram { get; } = Path.Combine(Repository, "artifacts/aot-test/AotTest");

    /// <summary>A checkpoint.</summary>
    public static string Checkpoint { get; } = Path.Combine(Repository, "src/DynamicMoE.Cli/TinyMoE");

    private static string Metadata(string key) =>
        typeof(Places).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
