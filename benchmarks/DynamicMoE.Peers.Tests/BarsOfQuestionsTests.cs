using DynamicMoE.Peers.Questions;

namespace DynamicMoE.Peers.Tests;

public sealed class BarsOfQuestionsTests
{
    [Theory]
    [InlineData(0.03, true)]
    [InlineData(0.031, false)]
    public void BatchOverhead_WhenTheRestIsLarge_Fails(double share, bool holds) =>
        Assert.Equal(holds, new BatchOverhead("M", "f32", 1, 512, 100, 1, 100 * share, 0.01, share).Bar().Holds);

    [Theory]
    [InlineData(15, 10, true)]
    [InlineData(15.1, 10, false)]
    public void TokenRouting_WhenItTakesMoreThanItsBytesAndFiveMicroseconds_Fails(double time, double floor, bool holds) =>
        Assert.Equal(holds, new TokenRouting("O", "f32", 1, time, floor).Bar().Holds);

    [Theory]
    [InlineData(0.80, true)]
    [InlineData(0.81, false)]
    public void DynamicCount_WhenTooLittleTimeIsSaved_Fails(double quotient, bool holds) =>
        Assert.Equal(holds, new DynamicCount("M", "f32", 1, 512, "counts", 1.5, 100, 100 * quotient, quotient).Bar().Holds);
}
