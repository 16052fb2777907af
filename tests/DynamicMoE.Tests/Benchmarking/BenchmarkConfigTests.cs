namespace DynamicMoE.Tests.Benchmarking;

public class BenchmarkConfigTests
{
    [Fact]
    public void Defaults_WhenListsAreNull_AreThoseOfTheDocumentedConfiguration()
    {
        var config = new BenchmarkConfig { Name = "defaults" };
        IReadOnlyList<BenchmarkCase> cases = config.Cases();

        Assert.Equal((100, 10), (config.NumRuns, config.WarmupRuns));
        Assert.Equal([1, 8, 16, 32], cases.Select(work => work.BatchSize).Distinct());
        Assert.Equal([128, 256, 512], cases.Select(work => work.SequenceLength).Distinct());
        Assert.Equal(12, cases.Count);
        Assert.All(cases, work => Assert.Equal((768, 8, 1, 4, 0), (work.HiddenDim, work.NumExperts, work.MinExperts, work.MaxExperts, work.Threads)));
    }

    [Fact]
    public void Cases_WhenSomeCombinationsAreImpossible_LeavesThemOut()
    {
        var config = new BenchmarkConfig
        {
            Name = "grid", BatchSizes = [2], SequenceLengths = [3], HiddenDims = [8], NumExpertsList = [2, 4], MinExpertsList = [1, 3], MaxExpertsList = [2, 4],
        };

        Assert.Equal(
            [new(2, 3, 8, 2, 1, 2), new(2, 3, 8, 4, 1, 2), new(2, 3, 8, 4, 1, 4), new(2, 3, 8, 4, 3, 4)],
            config.Cases());
        Assert.Equal("batch 2 x 3 tokens, hidden 8, 1..2 of 2 experts", config.Cases()[0].ToString());
    }

    [Fact]
    public void Cases_WhenEverythingIsWrong_NamesEveryValueInOneMessage()
    {
        var config = new BenchmarkConfig
        {
            Name = "", NumRuns = 0, WarmupRuns = -1, BatchSizes = [0], SequenceLengths = [], HiddenDims = [2_000_000], NumExpertsList = [5000],
            MinExpertsList = [0, 1], MaxExpertsList = [-4],
        };

        Assert.Equal(
            "BenchmarkConfig: Name must not be empty. NumRuns (0) is outside 1..10000000. WarmupRuns (-1) is outside 0..10000000. "
            + "BatchSizes (0) must lie within 1..16777216. SequenceLengths must not be empty. HiddenDims (2000000) must lie within 1..1048576. "
            + "NumExpertsList (5000) must lie within 1..4096. MinExpertsList (0, 1) must lie within 1..4096. MaxExpertsList (-4) must lie within 1..4096.",
            Assert.Throws<RouterConfigurationException>(() => config.Cases()).Message);
    }

    [Theory]
    [InlineData(8192, 4096, 1, 2, 1, "the largest of BatchSizes times the largest of SequenceLengths is 33554432, at most 16777216 tokens are allowed.")]
    [InlineData(4096, 4096, 1024, 2, 1, "16777216 tokens of hidden size 1024 have 17179869184 elements, at most 2147483591 are allowed.")]
    [InlineData(1, 1, 1, 2, 3, "no combination has MinExperts <= MaxExperts <= number of experts.")]
    public void Cases_WhenNothingCanBeRun_SaysWhy(int batch, int length, int dim, int experts, int min, string message)
    {
        var config = new BenchmarkConfig
        {
            Name = "x", BatchSizes = [1, batch], SequenceLengths = [1, length], HiddenDims = [dim], NumExpertsList = [experts], MinExpertsList = [min],
            MaxExpertsList = [3, 2],
        };

        Assert.Contains(message, Assert.Throws<RouterConfigurationException>(() => config.Cases()).Message, StringComparison.Ordinal);
    }
}
