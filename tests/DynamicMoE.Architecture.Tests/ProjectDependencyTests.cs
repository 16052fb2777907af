using DynamicMoE.Architecture.Tests.Sources;

namespace DynamicMoE.Architecture.Tests;

/// <summary>Bindings &lt;- DynamicMoE &lt;- Models &lt;- Hosting &lt;- Server &lt;- Cli: references run one way.</summary>
public class ProjectDependencyTests
{
    private static readonly IReadOnlyList<Project> Projects = Project.All();

    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["DynamicMoE.BindingGenerator"] = [],
        ["DynamicMoE.Bindings"] = [],
        ["DynamicMoE.Runtime"] = [],
        ["DynamicMoE"] = ["DynamicMoE.Bindings", "DynamicMoE.Runtime"],
        ["DynamicMoE.Models"] = ["DynamicMoE"],
        ["DynamicMoE.Hosting"] = ["DynamicMoE", "DynamicMoE.Models"],
        ["DynamicMoE.Server"] = ["DynamicMoE", "DynamicMoE.Models", "DynamicMoE.Hosting"],
        ["DynamicMoE.Cli"] = ["DynamicMoE", "DynamicMoE.Models", "DynamicMoE.Hosting", "DynamicMoE.Server", "DynamicMoE.Runtime"],
    };

    private static readonly string[] ProductAreas = ["src", "bindings"];

    public static TheoryData<string> ProductPaths => [.. Projects.Where(p => ProductAreas.Contains(p.Area)).Select(p => p.Path)];

    [Theory, MemberData(nameof(ProductPaths))]
    public void Product_WhenItReferencesProjects_KeepsTheOneDirection(string path)
    {
        Project project = Find(path);
        Assert.True(Allowed.TryGetValue(project.Name, out string[]? allowed), $"{path}: name its allowed references here");
        Rule.HasNoBreach(project.References.Except(allowed));
    }

    [Theory, MemberData(nameof(ProductPaths))]
    public void Product_WhenItReferencesPackages_TakesNoPeerRuntime(string path) => Rule.HasNoBreach(Find(path).Packages.Where(IsPeer));

    [Fact]
    public void Tests_WhenTheyReferencePackages_TakeNoPeerRuntime() =>
        Rule.HasNoBreach(Projects.Where(p => p.Area == "tests" && p.Packages.Any(IsPeer)));

    [Theory]
    [InlineData("DynamicMoE")]
    [InlineData("DynamicMoE.Models")]
    [InlineData("DynamicMoE.Bindings")]
    public void Library_WhenItReferencesPackages_HasNoContainerAndNoWeb(string name)
    {
        Project? project = Projects.SingleOrDefault(p => p.Name == name);
        Assert.NotNull(project);
        Rule.HasNoBreach(project.Frameworks);
        Rule.HasNoBreach(project.Packages.Where(p =>
            p.StartsWith("Microsoft.Extensions.DependencyInjection", StringComparison.Ordinal) ||
            p.StartsWith("Microsoft.Extensions.Hosting", StringComparison.Ordinal) ||
            p.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)));
    }

    [Fact]
    public void Tool_WhenPacked_IsCalledAsItsCommand()
    {
        Project tool = Projects.Single(p => p.Property("PackAsTool") is "true");
        Assert.Equal("dmoe", tool.Property("PackageId"));
        Assert.Equal("dmoe", tool.Property("ToolCommandName"));
    }

    [Fact]
    public void SourceProjects_WhenTheyHoldCode_HaveATestProject() =>
        Rule.HasNoBreach(Projects
            .Where(p => p.Area == "src" && p.Name != "DynamicMoE.Runtime")
            .Select(p => $"tests/{p.Name}.Tests/{p.Name}.Tests.csproj")
            .Where(path => !Repository.Exists(path)));

    [Fact]
    public void Projects_WhenTheyReferencePackages_LeaveTheVersionToTheCentralFile() =>
        Rule.HasNoBreach(Projects.Where(p => p.Xml.Descendants("PackageReference").Any(r => r.Attribute("Version") is not null)));

    [Fact]
    public void Solution_WhenListed_HoldsEveryProject()
    {
        string solution = Repository.Read("DynamicMoE.sln").Replace('\\', '/');
        Rule.HasNoBreach(Projects.Where(p => !solution.Contains($"\"{p.Path}\"", StringComparison.Ordinal)));
    }

    private static Project Find(string path) => Projects.Single(p => p.Path == path);

    private static bool IsPeer(string package) =>
        package.StartsWith("TorchSharp", StringComparison.OrdinalIgnoreCase) ||
        package.StartsWith("libtorch", StringComparison.OrdinalIgnoreCase) ||
        package.StartsWith("Microsoft.ML.OnnxRuntime", StringComparison.OrdinalIgnoreCase);
}
