using DynamicMoE.Cli.Terminal;
using Xunit;

namespace DynamicMoE.Cli.Tests.Terminal;

public sealed class TextTableTests
{
    [Fact]
    public void WriteTo_WhenOnATerminal_DrawsRulesAndKeepsBrackets()
    {
        string text = Written(isTerminal: true);

        Assert.Contains("[a]", text, StringComparison.Ordinal);
        Assert.Contains("--", text.Replace('\u2500', '-'), StringComparison.Ordinal);
    }

    [Fact]
    public void WriteTo_WhenPiped_AlignsNumbersToTheRight() => Assert.Equal("na me  x/y\n[a]    123\n", Written(isTerminal: false));

    [Fact]
    public void Add_WhenACellIsMissing_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new TextTable("a", "b").Add("only one"));

    private static string Written(bool isTerminal)
    {
        using var output = new StringWriter { NewLine = "\n" };
        var table = new TextTable("na\nme", "x\n/y");
        table.Add("[a]", "123");
        table.WriteTo(new ToolConsole(output, TextWriter.Null, isTerminal));
        return output.ToString();
    }
}
