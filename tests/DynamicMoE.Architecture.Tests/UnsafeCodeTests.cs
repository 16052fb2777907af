using System.Text.RegularExpressions;
using DynamicMoE.Architecture.Tests.Sources;

namespace DynamicMoE.Architecture.Tests;

/// <summary>Pointers stay in two places: the bindings and the folder of the library that calls them.</summary>
public partial class UnsafeCodeTests
{
    private const string NativeFolder = "src/DynamicMoE/Native/";

    [Fact]
    public void Sources_WhenOutsideTheNativeFolder_HaveNoUnsafeCode() =>
        Rule.HasNoBreach(Outside().Where(path => Unsafe().IsMatch(CSharpText.CodeOnly(Repository.Read(path)))));

    [Fact]
    public void Sources_WhenOutsideTheNativeFolder_CallNoNativeMethod() =>
        Rule.HasNoBreach(Outside().Where(path => NativeCall().IsMatch(CSharpText.CodeOnly(Repository.Read(path)))));

    [Fact]
    public void Projects_WhenTheyAllowUnsafeBlocks_AreTheTwoThatMay() =>
        Rule.HasNoBreach(Project.All()
            .Where(p => p.Area is "src" or "bindings" && p.AllowsUnsafe)
            .Select(p => p.Name)
            .Except(["DynamicMoE", "DynamicMoE.Bindings"]));

    [Theory]
    [InlineData("unsafe void F()", true)]
    [InlineData("// unsafe", false)]
    [InlineData("/* unsafe */ int x;", false)]
    [InlineData("var s = \"unsafe\";", false)]
    [InlineData("var c = '\"'; unsafe { }", true)]
    [InlineData("var s = \"\"\"un\"safe unsafe\"\"\";", false)]
    [InlineData("Unsafe.Add(ref x, 1)", false)]
    public void CodeOnly_WhenWordIsInsideTextOrComment_DropsIt(string source, bool expected) =>
        Assert.Equal(expected, Unsafe().IsMatch(CSharpText.CodeOnly(source)));

    private static IEnumerable<string> Outside() =>
        Repository.Files("src", ".cs").Concat(Repository.Files("bindings/generator", ".cs"))
            .Where(path => !path.StartsWith(NativeFolder, StringComparison.Ordinal));

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex Unsafe();

    [GeneratedRegex(@"\bNativeMethods\b|\bdmoe_|\b(DllImport|LibraryImport)\b")]
    private static partial Regex NativeCall();
}
