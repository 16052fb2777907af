using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Wrappers.Caching;

/// <summary>Two equal routers get the same batches, one of them through a cache: every result and everything learnt is the same to the last bit.</summary>
public sealed class CachedResultTests
{
    private const int Dim = 24;
    private const int Experts = 12;
    private const int Tokens = 9;

    public static TheoryData<string, RoutingStrategy, string> Cases()
    {
        var cases = new TheoryData<string, RoutingStrategy, string>();
        foreach (string estimator in ComplexityEstimators.All)
        {
            foreach (RoutingStrategy strategy in Enum.GetValues<RoutingStrategy>())
            {
                foreach (string context in new[] { "none", "everything", "inputs" })
                {
                    cases.Add(estimator, strategy, context);
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Route_WhenRowsComeAgain_GivesTheSameBits(string estimator, RoutingStrategy strategy, string context)
    {
        using GateWeights gate = Gate();
        var options = new DynamicRouterOptions
        {
            MaxExperts = 4, ComplexityEstimator = estimator, Strategy = strategy, LoadBalancing = true, BalanceStep = 0.01f, NoiseFactor = 0.3f, Seed = 7,
            MeanExpertsBudget = strategy == RoutingStrategy.Threshold ? 1.7 : null,
        };
        AssertSame(gate, options, batch => context switch
        {
            "everything" => Everything(batch),
            "inputs" => Inputs(batch),
            _ => null,
        });
    }

    [Theory]
    [InlineData(LoadBalancingMode.SelectionBias)]
    [InlineData(LoadBalancingMode.WeightPenalty)]
    public void Route_WhenRoutesAreLimited_GivesTheSameBits(LoadBalancingMode mode)
    {
        using GateWeights gate = Gate();
        var options = new DynamicRouterOptions { MaxExperts = 3, MaxDistinctExperts = 5, LoadBalancing = true, BalancingMode = mode };

        AssertSame(gate, options, _ => null);
        AssertSame(gate, options, _ => null, new CapacityLimit(1, OverflowPolicy.Reroute));
    }

    [Theory]
    [InlineData(ComplexityEstimators.RouterMargin)]
    [InlineData(ComplexityEstimators.GradientNorm)]
    public void Route_WhenTheRouterIsCalibrated_GivesTheSameBits(string estimator)
    {
        using GateWeights gate = Gate();
        var options = new DynamicRouterOptions { MaxExperts = 4, ComplexityEstimator = estimator };
        using var plain = new DynamicRouter(gate, options);
        float[] samples = new SeededRandom(11).Gaussian(300 * Dim);
        options.Calibration = plain.Calibrate(new System.Numerics.Tensors.ReadOnlyTensorSpan<float>(samples, [300, Dim]));

        AssertSame(gate, options, _ => null);
    }

    [Fact]
    public void Route_WhenTheEstimatorIsTheUsers_RunsItOnEveryBatchWithTheLogits()
    {
        using GateWeights gate = Gate();
        var estimators = new[] { new LogitEstimator(), new LogitEstimator() };
        using var plain = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 4, ComplexityEstimator = estimators[0] });
        using var inner = new DynamicRouter(gate, new DynamicRouterOptions { MaxExperts = 4, ComplexityEstimator = estimators[1] });

        AssertSame(plain, inner, inner.WithCache(), _ => null, null);

        Assert.Equal(estimators[0].Batches, estimators[1].Batches);
        Assert.True(estimators[1].ContextWasNull);
    }

    [Property(MaxTest = 25)]
    public void Route_WhateverTheSizes_GivesTheSameBits(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int dim = random.NextInt(1, 40), experts = random.NextInt(1, 20), max = random.NextInt(1, experts + 1);
        var shape = new GateOptions { InputDim = dim, NumExperts = experts, MaxTokens = random.NextInt(1, 8) };
        using GateWeights gate = GateWeights.CreateRandom(shape, 1);
        var options = new DynamicRouterOptions { MaxExperts = max, Strategy = (RoutingStrategy)random.NextInt(0, 3), LoadBalancing = true };
        using var plain = new DynamicRouter(gate, options);
        using var inner = new DynamicRouter(gate, options);
        var cached = new CachedRouter(inner, new CacheOptions { Size = random.NextInt(3, 30) });
        float[][] rows = [.. Enumerable.Range(0, 20).Select(_ => random.Gaussian(dim))];
        for (int batch = 0; batch < 12; batch++)
        {
            int tokens = random.NextInt(1, 30);
            float[] hidden = [.. Enumerable.Range(0, tokens).SelectMany(_ => rows[random.NextInt(0, rows.Length)])];
            var expected = new RoutingBuffers(tokens, max, experts, true);
            var actual = new RoutingBuffers(tokens, max, experts, true);

            Assert.Equal(plain.Route(hidden, tokens, expected), cached.Route(hidden, tokens, actual));
            SameRouting.Assert(expected, actual, tokens);
        }
    }

    private static GateWeights Gate() => GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2, MaxTokens = 4 }, 3);

    private static void AssertSame(GateWeights gate, DynamicRouterOptions options, Func<int, RoutingContext?> context, CapacityLimit? capacity = null)
    {
        using var plain = new DynamicRouter(gate, options);
        using var inner = new DynamicRouter(gate, options);
        CachedRouter cached = inner.WithCache(cacheSize: 50);

        AssertSame(plain, inner, cached, context, capacity);

        CacheStats stats = cached.GetCacheStats();
        Assert.InRange(stats.HitCount, 1, stats.MissCount * 10);
    }

    private static void AssertSame(
        DynamicRouter plain, DynamicRouter inner, CachedRouter cached, Func<int, RoutingContext?> context, CapacityLimit? capacity)
    {
        var random = new SeededRandom(5);
        float[][] rows = [.. Enumerable.Range(0, 16).Select(_ => random.Gaussian(Dim))];
        for (int batch = 0; batch < 12; batch++)
        {
            // Known rows, new rows, and rows that come twice in the batch.
            float[] hidden = [.. Enumerable.Range(0, Tokens).SelectMany(_ => random.NextInt(0, 4) == 0 ? random.Gaussian(Dim) : rows[random.NextInt(0, rows.Length)])];
            var expected = new RoutingBuffers(Tokens, plain.MaxExperts, Experts, true);
            var actual = new RoutingBuffers(Tokens, plain.MaxExperts, Experts, true);
            RoutingContext? given = context(batch);

            RoutingReport report = capacity is { } limit
                ? plain.RouteWithin(limit, hidden, Tokens, expected, given)
                : plain.Route(hidden, Tokens, expected, given);
            RoutingReport same = capacity is { } again
                ? cached.RouteWithin(again, hidden, Tokens, actual, given)
                : cached.Route(hidden, Tokens, actual, given);

            Assert.Equal(report, same);
            SameRouting.Assert(expected, actual, Tokens);
        }

        Assert.Equal(plain.GetExpertUsageStats().AvgUsagePerExpert, inner.GetExpertUsageStats().AvgUsagePerExpert);
        Assert.Equal(plain.Tau, cached.Tau);
    }

    private static RoutingContext Everything(int batch)
    {
        var random = new SeededRandom((ulong)batch);
        return new RoutingContext
        {
            ComplexityScores = random.Uniform(Tokens), Positions = Enumerable.Range(batch * Tokens, Tokens).Select(p => (long)p).ToArray(),
            ExpertMask = Enumerable.Range(0, Experts).Select(e => (byte)(e == batch % Experts ? 0 : 1)).ToArray(), MaxDistinctExperts = 7,
        };
    }

    // In every other batch the host supplies what the estimators look at: then nothing of the row alone stands in for them.
    private static RoutingContext Inputs(int batch)
    {
        var random = new SeededRandom((ulong)batch);
        return batch % 2 == 0 ? new RoutingContext() : new RoutingContext
        {
            Gradients = random.Gaussian(Tokens * Dim), AttentionWeights = random.Uniform(Tokens * 2 * 5), AttentionHeads = 2,
            LmHeadLogits = random.Gaussian(Tokens * 17),
        };
    }

    private sealed class LogitEstimator : ComplexityEstimator
    {
        public override string Name => "logits";

        public int Batches { get; private set; }

        public bool ContextWasNull { get; private set; } = true;

        public override void Estimate(in EstimationInput input, Span<float> raw)
        {
            Batches++;
            ContextWasNull &= input.Context is null;
            ReadOnlySpan<float> logits = input.RouterLogits();
            for (int token = 0; token < input.Tokens; token++)
            {
                raw[token] = logits[token * Experts];
            }
        }
    }
}
