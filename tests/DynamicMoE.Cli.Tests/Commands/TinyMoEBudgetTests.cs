using DynamicMoE.Cli.Models;
using DynamicMoE.Models;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

/// <summary>Budgets on the gaps of a trained model: TinyMoE on the embedded text, in passes of 64 tokens, a window of 100 passes.
/// Its own calibration divides them among the layers, but where a test leaves it out.</summary>
public sealed class TinyMoEBudgetTests
{
    private const int Batch = 64;
    private const int Window = 100;

    [Theory]
    [InlineData(1.25, true)]
    [InlineData(1.5, true)]
    [InlineData(1.5, false)]
    public void Forward_WhenABudgetIsSet_HoldsItAndComesBackAfterAShift(double budget, bool withCalibration)
    {
        using MoEModel model = new ModelChoice(null, null, 0).Load(512, withCalibration);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = budget });
        byte[] text = Text();
        Assert.Equal(!withCalibration, model.MoELayers.All(block => block.Router.Tau == 0.3f));
        double[][] steady = Run(model, text, 400);

        double[] budgets = Budgets(model);
        Assert.Equal(budget, budgets.Average(), 9);
        AssertRolling(steady, from: 200, budgets, 0.02);
        Assert.False(model.Arbiter!.Health.Degraded);
        Assert.Equal(budget, model.Arbiter.RealisedMean, 0.02 * budget);

        // The same characters in the other order: words that the model never saw.
        double[][] shifted = Run(model, [.. text.Reverse()], 400);

        // Within 5 % in 100 passes: the passes behind them hold it from the first on, half a window at a time as well.
        AssertRolling(shifted, from: 200, budgets, 0.05);
        Assert.All(shifted.Zip(budgets), layer => Assert.Equal(layer.Second, layer.First[100..150].Average(), 0.05 * layer.Second));
    }

    [Fact]
    public void Forward_WhenLayersAreAllocatedBySensitivity_KeepsTheGlobalMean()
    {
        using MoEModel model = new ModelChoice(null, null, 0).Load(512);
        double[] profile = [.. Enumerable.Range(1, model.MoELayers.Count).Select(layer => (double)layer)];
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.4, Sensitivity = profile });
        double[][] means = Run(model, Text(), 300);

        for (int layer = 0; layer < profile.Length; layer++)
        {
            double own = model.Arbiter!.LayerBudget(layer);
            Assert.Equal(own, means[layer][200..].Average(), 0.03 * own);
        }

        Assert.Equal(1.4, means.Average(layer => layer[200..].Average()), 0.02 * 1.4);
    }

    [Fact]
    public void Forward_WhenASequenceHasAQuality_FollowsItAndLeavesTheOthersAlone()
    {
        using MoEModel model = new ModelChoice(null, null, 0).Load(512);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });
        byte[] text = Text();
        Run(model, text, 200);
        MoESession best = model.CreateSession(512);
        best.Quality = 1;
        Run(model, text, 100, best);
        double[][] after = Run(model, text, 100);

        Assert.Equal(2, best.Total.MeanExpertsPerToken);
        Assert.All(after.Zip(Budgets(model)), layer => Assert.Equal(layer.Second, layer.First.Average(), 0.06));
        Assert.Throws<RouterConfigurationException>(() => best.Quality = 1.5f);
    }

    /// <summary>Mean experts of each pass, per layer.</summary>
    private static double[][] Run(MoEModel model, byte[] text, int passes, MoESession? session = null)
    {
        session ??= model.CreateSession(512);
        var means = new double[model.MoELayers.Count][];
        for (int layer = 0; layer < means.Length; layer++)
        {
            means[layer] = new double[passes];
        }

        var logits = new float[model.Config.VocabularySize];
        var tokens = new int[Batch];
        for (int pass = 0; pass < passes; pass++)
        {
            if (session.Position + Batch > session.MaxPositions)
            {
                // Figures go on; only the sequence begins anew.
                session = session.Quality is null ? model.CreateSession(512) : Again(session);
            }

            for (int i = 0; i < Batch; i++)
            {
                tokens[i] = text[((pass * Batch) + i) % text.Length];
            }

            _ = session.ForwardLast(tokens, logits);
            for (int layer = 0; layer < means.Length; layer++)
            {
                means[layer][pass] = session.LastRouting[layer].Report.MeanExpertsPerToken;
            }
        }

        return means;
    }

    private static MoESession Again(MoESession session)
    {
        session.Reset();
        return session;
    }

    private static double[] Budgets(MoEModel model) => [.. model.MoELayers.Select((_, layer) => model.Arbiter!.LayerBudget(layer))];

    private static void AssertRolling(double[][] means, int from, double[] budgets, double share)
    {
        for (int end = from; end <= means[0].Length; end++)
        {
            for (int layer = 0; layer < means.Length; layer++)
            {
                double mean = means[layer][(end - Window)..end].Average(), budget = budgets[layer];
                Assert.True(Math.Abs(mean - budget) <= share * budget, $"layer {layer}: rolling mean {mean:F4} at pass {end}, budget {budget}");
            }
        }
    }

    private static byte[] Text()
    {
        using Stream text = typeof(Tool).Assembly.GetManifestResourceStream("fallback.txt")!;
        using var bytes = new MemoryStream();
        text.CopyTo(bytes);
        return bytes.ToArray();
    }
}
