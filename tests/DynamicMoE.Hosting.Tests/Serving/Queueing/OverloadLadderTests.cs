using DynamicMoE.Hosting.Queueing;

namespace DynamicMoE.Hosting.Tests.Serving.Queueing;

public sealed class OverloadLadderTests
{
    [Theory]
    [InlineData(0.49, 0, null)]
    [InlineData(0.5, 1, 3.5)]
    [InlineData(0.63, 2, 3.0)]
    [InlineData(0.76, 3, 2.5)]
    [InlineData(0.9, 4, 2.0)]
    [InlineData(1.0, 4, 2.0)]
    public void Follow_WhenTheQueueIsSoFull_TakesSoManySteps(double fill, int level, double? ceiling)
    {
        var ladder = new OverloadLadder(0.5, 4);
        _ = ladder.Follow(fill);

        Assert.Equal((level, ceiling), (ladder.Level, ladder.Ceiling(ladder.Level, 4, 2)));
    }

    [Fact]
    public void Follow_WhenTheQueueSwingsAroundAStep_StaysOnIt()
    {
        var ladder = new OverloadLadder(0.5, 4);
        _ = ladder.Follow(0.63);

        Assert.False(ladder.Follow(0.62));
        Assert.False(ladder.Follow(0.57));
        Assert.True(ladder.Follow(0.55));
        Assert.Equal(1, ladder.Level);
        Assert.True(ladder.Follow(0.43));
        Assert.Equal(0, ladder.Level);
    }

    [Fact]
    public void Follow_WhenThereAreNoSteps_ImposesNothing()
    {
        var ladder = new OverloadLadder(0.5, 0);

        Assert.False(ladder.Follow(1));
        Assert.Null(ladder.Ceiling(ladder.Level, 4, 1));
    }
}
