using DynamicMoE.Cli.Benchmarking;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking;

public sealed class AlternatingTimerTests
{
    private static readonly TimeSpan LongBudget = TimeSpan.FromMinutes(1);

    [Fact]
    public void Run_WhenLayersTakeTurns_GoesThroughThemForwardsAndBackwards()
    {
        var order = new List<string>();
        FakeLayer one = new("one", order), two = new("two", order);

        double[][] seconds = new AlternatingTimer([one, two], batches: 3, repetitions: 4, LongBudget).Run();

        Assert.Equal([4, 4], seconds.Select(times => times.Length));
        Assert.All(seconds.SelectMany(times => times), time => Assert.True(time > 0));

        // Warm-up, then four repetitions; where one runs backwards, a layer follows itself.
        Assert.Equal(["one", "two", "one", "two", "one", "two", "one"], Turns(order));
    }

    [Fact]
    public void Run_WhenTheBudgetIsShort_DoesTheFewestRepetitions()
    {
        double[][] seconds = new AlternatingTimer([new FakeLayer("one", [])], batches: 1, repetitions: 100, TimeSpan.Zero).Run();

        Assert.Equal(AlternatingTimer.FewestRepetitions, seconds[0].Length);
    }

    [Fact]
    public void Run_WhenCallsAreShort_GoesThroughAllBatches()
    {
        var layer = new FakeLayer("one", []);

        new AlternatingTimer([layer], batches: 7, repetitions: 1, LongBudget).Run();

        Assert.Equal(Enumerable.Range(0, 7), layer.Batches.Distinct().Order());
    }

    private static IEnumerable<string> Turns(List<string> order) => order.Where((name, i) => i == 0 || order[i - 1] != name);

    private sealed class FakeLayer(string name, List<string> order) : IPreparedLayer
    {
        public HashSet<int> Batches { get; } = [];

        public void Run(int batch)
        {
            order.Add(name);
            Batches.Add(batch);
            Thread.SpinWait(1000);
        }

        public void CopyOutput(Span<float> output) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
