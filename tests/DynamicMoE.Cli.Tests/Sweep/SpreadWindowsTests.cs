using DynamicMoE.Cli.Sweep;
using Xunit;

namespace DynamicMoE.Cli.Tests.Sweep;

public sealed class SpreadWindowsTests
{
    [Theory]
    [InlineData(100, 8, "0 12 25 37 50 62 75 87", "1 51")]
    [InlineData(10, 8, "0 1 2 3 5 6 7 8", "4 9")]
    [InlineData(9, 8, "0 1 2 3 4 5 6 7", "")]
    [InlineData(5, 8, "0 1 2 3 4", "")]
    [InlineData(0, 8, "", "")]
    public void Over_WhenWindowsAreChosen_TheySpreadAndNeverServeTwice(int total, int most, string scored, string between)
    {
        SpreadWindows windows = SpreadWindows.Over([.. Enumerable.Range(0, total).Select(i => (ReadOnlyMemory<int>)new[] { i })], most);

        Assert.Equal(scored, Numbers(windows.Scored));
        Assert.Equal(between, Numbers(windows.Between));
    }

    private static string Numbers(IReadOnlyList<ReadOnlyMemory<int>> windows) => string.Join(' ', windows.Select(window => window.Span[0]));
}
