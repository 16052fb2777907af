using DynamicMoE.Cli.Sweep;
using DynamicMoE.Cli.Sweep.Scores;
using DynamicMoE.Models;
using Xunit;

namespace DynamicMoE.Cli.Tests.Sweep;

public sealed class ScoreRoutingTests
{
    private static readonly RankTable Hundred = new(Enumerable.Range(0, 100).Select(i => (float)i));

    [Fact]
    public void Advise_WhenSettled_GivesTheTokensWithTheHighestValuesMore()
    {
        int[] counts = Settle(new Listed(perExpert: false), trained: 2, budget: 1.25);

        // A quarter of the values lie above 75.
        Assert.All(Enumerable.Range(0, 100), i => Assert.True(counts[i] == (i > 75 ? 2 : 1) || i is >= 72 and <= 78, $"{i}: {counts[i]}"));
    }

    [Fact]
    public void Advise_WhenTrainedWithFour_RoundsTheCountOfTheScore()
    {
        int[] counts = Settle(new Listed(perExpert: false), trained: 4, budget: 2.5);

        // k = round(1 + 3 s): borders at a sixth, a half and five sixths.
        Assert.All(Enumerable.Range(0, 100), i => Assert.InRange(counts[i], (int)Math.Round(0.9 + (3 * (i - 4) / 100.0)), (int)Math.Round(1.1 + (3 * (i + 4) / 100.0))));
        Assert.Equal(2.5, counts.Average(), 0.1);
    }

    [Fact]
    public void Advise_WhenTheSignalIsPerExpert_KeepsExpertsAboveTheThreshold()
    {
        int[] counts = Settle(new Listed(perExpert: true), trained: 3, budget: 2);

        // Value i for the second expert and i / 2 for the third: the mean of two is reached where 100 - t + 100 - 2t = 100.
        Assert.Equal(2, counts.Average(), 0.1);
        Assert.Equal([1, 2, 3], new[] { counts[10], counts[50], counts[90] });
    }

    private static int[] Settle(ITokenScore score, int trained, double budget)
    {
        var routing = new ScoreRouting(score, [Hundred], trained, budget);
        var input = new RoutedInput
        {
            Index = 0, Block = null!, Tokens = 100, Position = 0, Residual = default, Normed = default, Query = default, Keys = default,
        };
        RoutingContext context = routing.Advise(in input)!;
        for (int batch = 0; batch < 100; batch++)
        {
            context = routing.Advise(in input)!;
        }

        return context.ExpertCounts.ToArray();
    }

    private sealed class Listed(bool perExpert) : ITokenScore
    {
        public string Name => "listed";

        public bool PerExpert => perExpert;

        public void Measure(in RoutedInput input, Span<float> values)
        {
            int columns = values.Length / input.Tokens;
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = (i / columns) / (1f + (i % columns));
            }
        }

        public void Dispose()
        {
        }
    }
}
