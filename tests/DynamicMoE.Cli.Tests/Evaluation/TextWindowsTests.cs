using DynamicMoE.Cli.Evaluation;
using Xunit;

namespace DynamicMoE.Cli.Tests.Evaluation;

public sealed class TextWindowsTests
{
    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "")]
    [InlineData(2, "0-1")]
    [InlineData(4, "0-3")]
    [InlineData(5, "0-3 3-4")]
    [InlineData(7, "0-3 3-6")]
    [InlineData(8, "0-3 3-6 6-7")]
    public void Of_WhenWindowIsFour_EachTokenButTheFirstIsScoredOnce(int tokens, string expected)
    {
        IReadOnlyList<ReadOnlyMemory<int>> windows = TextWindows.Of(Enumerable.Range(0, tokens).ToArray(), 4);

        Assert.Equal(expected, string.Join(' ', windows.Select(w => $"{w.Span[0]}-{w.Span[^1]}")));
        Assert.Equal(Math.Max(0, tokens - 1), windows.Sum(w => w.Length - 1));
    }

    [Fact]
    public void Of_WhenWindowIsOne_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => TextWindows.Of(new[] { 1, 2 }, 1));
}
