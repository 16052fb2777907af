using System.Text;
using System.Text.RegularExpressions;
using DynamicMoE.Architecture.Tests.Sources;

namespace DynamicMoE.Architecture.Tests;

/// <summary>The tree holds what it should, and its files stand on their own.</summary>
public partial class TreeTests
{
    private static readonly string[] Required =
        ["native", "src", "bindings", "tests", "benchmarks", "CMakeLists.txt", "build.cake", "DynamicMoE.sln", "README.md"];

    private static readonly string[] MayJoin =
    [
        "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "global.json", "nuget.config", "CMakePresets.json",
        "build.sh", "LICENSE", "THIRD-PARTY-NOTICES", "CHANGELOG.md", "DECISIONS.md", "CONTRIBUTING.md",
    ];

    private static readonly HashSet<string> BinaryExtensions = [".safetensors", ".png", ".snk", ".bin", ".gz", ".zip"];

    [Fact]
    public void TopLevel_WhenListed_HoldsOnlyAllowedNames() =>
        Rule.HasNoBreach(TopLevel().Except(Required).Except(MayJoin));

    [Fact]
    public void TopLevel_WhenListed_HoldsTheRequiredNames() => Rule.HasNoBreach(Required.Except(TopLevel()));

    [Fact]
    public void Files_WhenRead_NameNothingOutsideTheRepository() =>
        Rule.HasNoBreach(from path in TextFiles()
                         from Match match in Outside().Matches(Repository.Read(path))
                         select $"{path}: {match.Value}");

    [Fact]
    public void Files_WhenRead_HaveNoNoteForLater() =>
        Rule.HasNoBreach(from path in Repository.Files("", ".cs", ".h", ".hpp", ".cpp", ".inl", ".inc", ".cu", ".cake", ".csproj", ".props", ".targets", ".sh")
                         from Match match in Later().Matches(Repository.Read(path))
                         select $"{path}: {match.Value}");

    [Fact]
    public void Files_WhenRead_EndLinesWithLf() =>
        Rule.HasNoBreach(TextFiles().Where(path => Path.GetExtension(path) != ".sln" && Repository.Read(path).Contains('\r', StringComparison.Ordinal)));

    [Fact]
    public void SourceFiles_WhenRead_ArePlainAscii() =>
        Rule.HasNoBreach(Repository.Files("", ".cs", ".h", ".hpp", ".cpp", ".inl", ".inc", ".cu")
            .Where(path => !Ascii.IsValid(Repository.Read(path))));

    private static IEnumerable<string> TopLevel() =>
        Directory.EnumerateFileSystemEntries(Repository.Root).Select(path => Path.GetFileName(path)!).Where(name => !Repository.IsIgnored(name));

    // .git is a file, with a path of this machine, where the checkout is one of several work trees.
    private static IEnumerable<string> TextFiles() =>
        Repository.Files("").Where(path => path != ".git" && !BinaryExtensions.Contains(Path.GetExtension(path)));

    // The folder of design notes beside a checkout, and folders that only one machine has. Split, so as not to find itself.
    [GeneratedRegex(@"\.\./" + @"shared\b|(?<![\w.~}/-])/(" + @"work|farm|root)\b")]
    private static partial Regex Outside();

    [GeneratedRegex(@"\b(TO" + @"DO|FIX" + @"ME|XX" + @"X|HA" + @"CK)\b")]
    private static partial Regex Later();
}
