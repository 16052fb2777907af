using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

/// <summary>The quality dial: budgets of single sequences in a batch.</summary>
public sealed class QualityTests : IDisposable
{
    private const int Experts = 8;
    private const int Tokens = 64;

    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 4);
    private readonly Trace _trace = new(101);
    private readonly DynamicRouter _router;

    public QualityTests() => _router = new DynamicRouter(_gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 2 });

    public void Dispose()
    {
        _router.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public void Route_WhenSequencesHaveQualities_MeetsTheBudgetOfEach()
    {
        Run(100, null);
        float[] quality = [0, 0.25f, 0.5f, 1];
        double[] means = Run(400, quality);

        Assert.Equal(1, means[0]);
        Assert.Equal(1.75, means[1], 0.06);
        Assert.Equal(2.5, means[2], 0.08);
        Assert.Equal(4, means[3]);
    }

    [Fact]
    public void Route_WhenSomeSequencesHaveNone_HoldsTheRoutersBudgetForThoseAlone()
    {
        double[] means = Run(400, [1, float.NaN, 0, float.NaN], skip: 200);

        Assert.Equal(4, means[0]);
        Assert.Equal(1, means[2]);
        Assert.Equal(2, (means[1] + means[3]) / 2, 0.04);
        Assert.Equal(2, _router.Controller!.RealisedMean, 0.04);
    }

    [Fact]
    public void Route_WhenQualityIsPerToken_FollowsEach()
    {
        Run(20, null);
        float[] quality = [.. Enumerable.Range(0, Tokens).Select(i => i % 2 == 0 ? 1f : 0f)];
        var buffers = new RoutingBuffers(Tokens, 4, Experts, false);

        _router.Route(_trace.Next(Tokens, Experts), Tokens, buffers, new RoutingContext { Quality = quality });

        Assert.Equal(quality.Select(q => q == 1 ? 4 : 1), buffers.ExpertsPerToken);
    }

    [Fact]
    public void Route_WhenAFloorOrACeilingIsSet_KeepsQualitiesWithinThem()
    {
        Run(100, null);
        _router.Arbiter!.GuardrailFloor = 1.5;
        _router.Arbiter.OverloadCeiling = 3;
        double[] means = Run(400, [0, 1]);

        Assert.Equal(1.5, means[0], 0.05);
        Assert.Equal(3, means[1], 0.1);
    }

    [Fact]
    public void Route_WhenNothingWasSeen_KeepsEveryExpertAtFullQuality()
    {
        Assert.Equal(4, Run(1, [1])[0]);
    }

    [Fact]
    public void Route_WhenWarm_AllocatesNothing()
    {
        Run(20, [0.5f, float.NaN]);
        var buffers = new RoutingBuffers(Tokens, 4, Experts, false);
        float[] hidden = _trace.Next(Tokens, Experts);
        var context = new RoutingContext { Quality = new[] { 0.3f, 0.6f, float.NaN, 1f } };

        NoAllocation.Assert(() => _router.Route(hidden, Tokens, buffers, context));
    }

    [Fact]
    public void Route_WhenQualityDoesNotFit_IsRefused()
    {
        Assert.Contains("Quality of sequence 1 is 1.5", Refused(new RoutingContext { Quality = new[] { 0, 1.5f } }), StringComparison.Ordinal);
        Assert.Contains("Quality of sequence 0 is ", Refused(new RoutingContext { Quality = new[] { float.PositiveInfinity } }), StringComparison.Ordinal);
        Assert.Contains("Quality has 3 elements", Refused(new RoutingContext { Quality = new float[3] }), StringComparison.Ordinal);
        Assert.Contains("TokenTaus", Refused(new RoutingContext { Quality = new float[1], TokenTaus = new float[Tokens] }), StringComparison.Ordinal);
        using var plain = new DynamicRouter(_gate, new DynamicRouterOptions { Strategy = RoutingStrategy.Threshold });
        Assert.Contains("needs a router with a budget", Refused(new RoutingContext { Quality = new float[1] }, plain), StringComparison.Ordinal);
    }

    private string Refused(RoutingContext context, DynamicRouter? router = null) => Assert.Throws<RoutingValidationException>(
        () => (router ?? _router).Route(_trace.Next(Tokens, Experts), Tokens, new RoutingBuffers(Tokens, 4, Experts, false), context)).Message;

    /// <summary>Mean experts of each sequence.</summary>
    private double[] Run(int batches, float[]? quality, int skip = 0)
    {
        var buffers = new RoutingBuffers(Tokens, 4, Experts, false);
        var context = new RoutingContext { Quality = quality };
        int sequences = quality?.Length ?? 1;
        var sums = new double[sequences];
        for (int batch = 0; batch < batches; batch++)
        {
            _router.Route(_trace.Next(Tokens, Experts), Tokens, buffers, context);
            for (int token = 0; token < Tokens && batch >= skip; token++)
            {
                sums[token / (Tokens / sequences)] += buffers.ExpertsPerToken[token];
            }
        }

        return [.. sums.Select(sum => sum / (Tokens / sequences) / (batches - skip))];
    }
}
