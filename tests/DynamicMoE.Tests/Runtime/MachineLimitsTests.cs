namespace DynamicMoE.Tests.Runtime;

public sealed class MachineLimitsTests
{
    // A cache's speed is as good for what is tested here.
    private const long Small = 4 << 20;

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);

    public static TheoryData<TimeSpan> BudgetsOutOfRange =>
        [TimeSpan.MinValue, -Shortest, TimeSpan.Zero, Shortest - TimeSpan.FromTicks(1), TimeSpan.FromSeconds(60) + TimeSpan.FromTicks(1), TimeSpan.MaxValue];

    [Fact]
    public void Measure_WhenShort_GivesPositiveFiguresAndTheBestOfItsTable()
    {
        MachineLimits limits = MachineLimits.Measure(1, Shortest, Small);

        Assert.Equal(1, limits.Threads);
        Assert.True(limits.Float32Flops > 0);
        Assert.True(limits.BFloat16Flops > 0);
        Assert.True(limits.Int8Ops > 0);
        Assert.Equal(
            [(1, false), (4, false), (8, false), (1, true), (4, true), (8, true)],
            limits.ReadTable.Select(rate => (rate.Streams, rate.HugePages)));
        Assert.All(limits.ReadTable, rate => Assert.InRange(rate.BytesPerSecond, double.Epsilon, limits.ReadBytesPerSecond));
        Assert.Contains(new ReadRate(limits.ReadStreams, limits.ReadHugePages, limits.ReadBytesPerSecond), limits.ReadTable);
    }

    [Fact]
    public void Measure_WhenTheThreadsAreNotGiven_UsesThePools() =>
        Assert.Equal(RuntimeInfo.Query().PoolThreads, MachineLimits.Measure(0, Shortest, Small).Threads);

    [Theory]
    [InlineData(int.MinValue)]
    [InlineData(-1)]
    [InlineData(1025)]
    [InlineData(int.MaxValue)]
    public void Measure_WhenThreadsAreOutOfRange_NamesThem(int threads)
    {
        var error = Assert.Throws<RouterConfigurationException>(() => MachineLimits.Measure(threads, Shortest));

        Assert.Contains($"threads ({threads}) is outside 0..1024", error.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(BudgetsOutOfRange))]
    public void Measure_WhenTheBudgetIsOutOfRange_NamesIt(TimeSpan budget)
    {
        var error = Assert.Throws<RouterConfigurationException>(() => MachineLimits.Measure(1, budget));

        Assert.Contains($"budget ({budget}) is outside 00:00:00.1000000..00:01:00", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WeightFormat.Float32, 1)]
    [InlineData(WeightFormat.BFloat16, 2)]
    [InlineData(WeightFormat.Q8, 3)]
    [InlineData(WeightFormat.Q4, 3)]
    public void PeakOps_OfAFormat_IsThatOfItsInstruction(WeightFormat format, double expected) =>
        Assert.Equal(expected, Made.PeakOps(format));

    [Fact]
    public void PeakOps_WhenTheFormatIsUnknown_NamesIt()
    {
        var error = Assert.Throws<RouterConfigurationException>(() => Made.PeakOps((WeightFormat)77));

        Assert.Contains("format (77)", error.Message, StringComparison.Ordinal);
    }

    private static MachineLimits Made { get; } = new()
    {
        Threads = 1,
        Float32Flops = 1,
        BFloat16Flops = 2,
        Int8Ops = 3,
        ReadBytesPerSecond = 4,
        ReadStreams = 1,
        ReadHugePages = false,
        ReadTable = [],
    };
}
