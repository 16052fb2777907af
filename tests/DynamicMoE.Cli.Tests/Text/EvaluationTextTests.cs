using System.Text;
using DynamicMoE.Cli.Text;
using DynamicMoE.TestKit.Checkpoints;
using Xunit;

namespace DynamicMoE.Cli.Tests.Text;

public sealed class EvaluationTextTests
{
    private static readonly byte[] Long = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 6000).Select(i => $"{i} ")));

    [Fact]
    public void Load_WhenTheFileIsLong_WarmsUpOnWhatFollows()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllBytes(directory["t.txt"], Long);

        EvaluationText text = EvaluationText.Load(directory["t.txt"], 1000);

        Assert.Equal(Long[..1000], text.Scored.ToArray());
        Assert.Equal(Long[1000..9192], text.Warmup.ToArray());
        Assert.Equal(directory["t.txt"], text.Source);
    }

    [Fact]
    public void Load_WhenTheFileIsShort_WarmsUpOnTheEmbeddedText()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["t.txt"], "short text");

        EvaluationText text = EvaluationText.Load(directory["t.txt"], 1000);

        Assert.Equal("short text", Encoding.UTF8.GetString(text.Scored.Span));
        Assert.Equal("embedded text", text.WarmupSource);
        Assert.Equal(EvaluationText.WarmupBytes, text.Warmup.Length);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1001)]
    public void Load_WhenTheLimitsFallIntoCharacters_CutsBetweenThem(int maxBytes)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["t.txt"], string.Concat(Enumerable.Repeat("\u20ac", 5000)));

        EvaluationText text = EvaluationText.Load(directory["t.txt"], maxBytes);

        Assert.Equal(999, text.Scored.Length);
        Assert.Equal(new string('\u20ac', 333), Utf8Text.Decode(text.Scored.Span, "scored"));
        Assert.Equal(text.Warmup.Length / 3, Utf8Text.Decode(text.Warmup.Span, "warmup").Length);
    }

    [Fact]
    public void Load_WhenTheFileIsMissing_NamesIt() =>
        Assert.Equal("--text 'no/such' is not a file", Assert.Throws<ToolException>(() => EvaluationText.Load("no/such", 10)).Message);

    [Fact]
    public void Load_WhenTheFileIsEmpty_SaysHowManyBytesAreNeeded()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllBytes(directory["t.txt"], []);

        Assert.Contains(
            "has 0 bytes, at least 2", Assert.Throws<ToolException>(() => EvaluationText.Load(directory["t.txt"], 10)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Embedded_WhenRead_LeavesRoomForAWarmupAndIsAscii()
    {
        ReadOnlyMemory<byte> text = EvaluationText.Embedded();

        Assert.True(text.Length > 2 * EvaluationText.WarmupBytes);
        Assert.True(Ascii.IsValid(text.Span));
    }

    [Theory]
    [InlineData("abc", 2, 2)]
    [InlineData("abc", 9, 3)]
    [InlineData("a\u00e9z", 2, 1)] // the second byte starts a two-byte character
    [InlineData("a\u00e9z", 3, 3)]
    [InlineData("\U0001F600", 3, 0)]
    public void CutAt_WhenTheLimitFallsIntoACharacter_CutsBeforeIt(string text, int limit, int expected) =>
        Assert.Equal(expected, Utf8Text.CutAt(Encoding.UTF8.GetBytes(text), limit));

    [Fact]
    public void Decode_WhenBytesAreNotUtf8_NamesTheOffset() =>
        Assert.Equal(
            "it is not UTF-8 text: invalid bytes at offset 1",
            Assert.Throws<ToolException>(() => Utf8Text.Decode([0x41, 0xFF, 0x42], "it")).Message);
}
