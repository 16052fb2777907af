using System.Text;

namespace PackageTest.Packages;

/// <summary>What is in each package, file by file.</summary>
public class ContentsTests
{
    private static readonly string[] s_everywhere = ["LICENSE", "README.md", "THIRD-PARTY-NOTICES"];

    // Offered as a prerelease only.
    private static readonly string[] s_prereleases = ["OpenTelemetry.Exporter.Prometheus.AspNetCore"];

    private static readonly string[] s_all = [.. Package.Libraries, "DynamicMoE.Runtime", "dmoe"];

    public static TheoryData<string> Libraries => [.. Package.Libraries];

    public static TheoryData<string> All => [.. s_all];

    [Fact]
    public void Folder_WhenPacked_HoldsThesePackagesOnly() => Assert.Equal(
        s_all.Select(id => $"{id}.{Package.Version}.nupkg")
            .Concat(s_all.Where(id => id != "DynamicMoE.Runtime").Select(id => $"{id}.{Package.Version}.snupkg"))
            .Order(StringComparer.Ordinal),
        Directory.GetFiles(Places.Packages).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Libraries))]
    public void Library_WhenPacked_HoldsAssemblyAndDocumentation(string id) =>
        Assert.Equal([.. s_everywhere, $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml"], Package.Open(id).Files);

    [Fact]
    public void Runtime_WhenPacked_HoldsTheNativeLibrary()
    {
        Package package = Package.Open("DynamicMoE.Runtime");
        Assert.Equal([.. s_everywhere, "runtimes/linux-x64/native/libdynamicmoe.so"], package.Files);
        Assert.Equal("\u007fELF", Encoding.ASCII.GetString(package.Read("runtimes/linux-x64/native/libdynamicmoe.so")[..4]));
    }

    [Fact]
    public void Tool_WhenPacked_CarriesWhatItRunsAndNothingElse()
    {
        IReadOnlyList<string> files = Package.Open("dmoe").Files;
        const string Folder = "tools/net10.0/any/";
        string[] needed = ["dmoe.dll", "DynamicMoE.dll", "DynamicMoE.Models.dll", "DynamicMoE.Hosting.dll", "libdynamicmoe.so", "TinyMoE/model.safetensors", "DotnetToolSettings.xml"];
        Assert.Empty(needed.Select(name => Folder + name).Except(files));
        Assert.DoesNotContain(files, file => !s_everywhere.Contains(file) && !file.StartsWith(Folder, StringComparison.Ordinal));

        // Native libraries of other platforms, documentation for compilers and sources have no use there. Symbols have: traces of errors get their lines.
        Assert.DoesNotContain(files, file => file.Contains("/runtimes/", StringComparison.Ordinal)
            && !file.Contains("/runtimes/linux-x64/", StringComparison.Ordinal) && !file.Contains("/runtimes/unix/", StringComparison.Ordinal));
        Assert.DoesNotContain(files, file => Path.GetExtension(file) is ".cs" or ".user" or ".tsv" or ".xml" && file != Folder + "DotnetToolSettings.xml");
    }

    [Theory, MemberData(nameof(All))]
    public void Metadata_WhenPacked_NamesLicenceReadmeAndCommit(string id)
    {
        Package package = Package.Open(id);
        Assert.Equal(id, package["id"]);
        Assert.Equal(Package.Version, package["version"]);
        Assert.Equal("MIT", package["license"]);
        Assert.Equal("expression", package.Element("license")!.Attribute("type")!.Value);
        Assert.Equal("README.md", package["readme"]);
        Assert.NotEmpty(package["description"]);
        Assert.Matches("^[0-9a-f]{40}$", package.Element("repository")?.Attribute("commit")?.Value);
        Assert.Matches("^(https://.*)?$", package.Element("repository")?.Attribute("url")?.Value ?? "");
    }

    [Theory, MemberData(nameof(All))]
    public void Dependencies_WhenTheyAreOurs_HaveTheSameVersion(string id) =>
        Assert.All(Package.Open(id).Dependencies.Where(dependency => IsOurs(dependency.Key)), dependency => Assert.Equal(Package.Version, dependency.Value));

    [Theory, MemberData(nameof(Libraries))]
    public void Dependencies_WhenTheyAreOthers_AreReleasedVersions(string id) =>
        Assert.DoesNotContain(
            Package.Open(id).Dependencies,
            dependency => !IsOurs(dependency.Key) && !s_prereleases.Contains(dependency.Key) && dependency.Value.Contains('-', StringComparison.Ordinal));

    private static bool IsOurs(string id) => id == "DynamicMoE" || id.StartsWith("DynamicMoE.", StringComparison.Ordinal);
}
