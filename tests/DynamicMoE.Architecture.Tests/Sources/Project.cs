using System.Xml.Linq;

namespace DynamicMoE.Architecture.Tests.Sources;

/// <summary>What a project file says about dependencies.</summary>
/// <remarks>The path starts at the root of the repository.</remarks>
internal sealed record Project(string Path, XElement Xml)
{
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public string Folder => Path[..Path.LastIndexOf('/')];

    /// <summary>First folder of the path: src, bindings, tests or benchmarks.</summary>
    public string Area => Path[..Path.IndexOf('/', StringComparison.Ordinal)];

    /// <summary>Names of referenced projects.</summary>
    public IEnumerable<string> References =>
        Includes("ProjectReference").Select(path => System.IO.Path.GetFileNameWithoutExtension(path.Replace('\\', '/')));

    public IEnumerable<string> Packages => Includes("PackageReference");

    public IEnumerable<string> Frameworks => Includes("FrameworkReference");

    public bool AllowsUnsafe => Property("AllowUnsafeBlocks") is "true";

    public string? Property(string name) => Xml.Descendants(name).LastOrDefault()?.Value;

    public static IReadOnlyList<Project> All() =>
        [.. Repository.Files("", ".csproj").Select(path => new Project(path, XElement.Parse(Repository.Read(path))))];

    private IEnumerable<string> Includes(string item) =>
        Xml.Descendants(item).Select(e => (string?)e.Attribute("Include")).OfType<string>();

    public override string ToString() => Path;
}
