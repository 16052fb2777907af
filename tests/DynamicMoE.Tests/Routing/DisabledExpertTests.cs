using System.Diagnostics;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Routing;

public sealed class DisabledExpertTests
{
    [Property(MaxTest = 40)]
    public void Route_WhenExpertsAreDisabled_EqualsACallWithThatMask(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        int experts = random.NextInt(3, 20);
        int max = random.NextInt(1, experts);
        int tokens = random.NextInt(1, 30);
        using GateWeights gate = Gates.Identity(experts, o => o.TrainedExperts = max);
        var options = new DynamicRouterOptions
        {
            Strategy = (RoutingStrategy)random.NextInt(0, 3), ComplexityEstimator = ComplexityEstimators.RouterEntropy,
        };
        using var router = new DynamicRouter(gate, options);
        using var masked = new DynamicRouter(gate, options);
        float[] hidden = RouterLogits.Finite(RouterLogits.FiniteCases[random.NextInt(0, RouterLogits.FiniteCases.Count)], tokens, experts, random.NextBits());
        byte[] own = [.. Enumerable.Range(0, experts).Select(e => (byte)(e == experts - 1 || random.NextInt(0, 4) > 0 ? 1 : 0))];
        int disabled = random.NextInt(0, experts - 1);
        byte[] both = [.. own];
        both[disabled] = 0;
        var actual = new RoutingBuffers(tokens, max, experts, false);
        var expected = new RoutingBuffers(tokens, max, experts, false);

        router.DisableExpert(disabled);
        router.Route(hidden, tokens, actual, new RoutingContext { ExpertMask = own });
        masked.Route(hidden, tokens, expected, new RoutingContext { ExpertMask = both });

        Assert.Equal(expected.ExpertIndices, actual.ExpertIndices);
        Assert.Equal(RoutingOracle.Bits(expected.ExpertWeights), RoutingOracle.Bits(actual.ExpertWeights));
        Assert.DoesNotContain(disabled, actual.ExpertIndices);
    }

    [Fact]
    public void EnableExpert_WhenItWasDisabled_GivesTheFormerBits()
    {
        using GateWeights gate = Gates.Identity(6, o => o.TrainedExperts = 3);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterMargin });
        float[] hidden = RouterLogits.Finite("gaussian", 10, 6);
        var before = new RoutingBuffers(10, 3, 6, false);
        var after = new RoutingBuffers(10, 3, 6, false);
        router.Route(hidden, 10, before);

        router.DisableExpert(before.ExpertIndices[0]);
        Assert.Equal([before.ExpertIndices[0]], router.GetDisabledExperts());
        router.EnableExpert(before.ExpertIndices[0]);
        router.Route(hidden, 10, after);

        Assert.Empty(router.GetDisabledExperts());
        Assert.Equal(before.ExpertIndices, after.ExpertIndices);
        Assert.Equal(RoutingOracle.Bits(before.ExpertWeights), RoutingOracle.Bits(after.ExpertWeights));
    }

    [Fact]
    public void DisableExpert_WhenTooFewWouldBeLeft_IsRefusedAndChangesNothing()
    {
        using GateWeights gate = Gates.Identity(3, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2 });
        router.DisableExpert(0);

        var error = Assert.Throws<LoadBalancingException>(() => router.DisableExpert(2));

        Assert.Contains("Expert 2 cannot be disabled: 1 of 3 experts would be left in service, MinExperts is 2", error.Message, StringComparison.Ordinal);
        Assert.Equal([0], router.GetDisabledExperts());
        router.DisableExpert(0);
        router.Route([1, 2, 3], 1, new RoutingBuffers(1, 2, 3, false));
    }

    [Fact]
    public void Route_WhenMaskAndDisabledExpertsLeaveTooFew_RefusesTheBatch()
    {
        using GateWeights gate = Gates.Identity(3);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());
        router.DisableExpert(0);

        Assert.Throws<LoadBalancingException>(() =>
            router.Route([1, 2, 3], 1, new RoutingBuffers(1, 1, 3, false), new RoutingContext { ExpertMask = new byte[] { 1, 0, 0 } }));
        Assert.Equal(0, router.GetExpertUsageStats().TotalBatches);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void DisableExpert_WhenThereIsNoSuchExpert_SaysSo(int expert)
    {
        using GateWeights gate = Gates.Identity(3);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());

        Assert.Throws<ArgumentOutOfRangeException>(nameof(expert), () => router.DisableExpert(expert));
        Assert.Throws<ArgumentOutOfRangeException>(nameof(expert), () => router.EnableExpert(expert));
    }

    [Fact]
    public void DisableExpert_WhenSomebodyListens_TellsItOnce()
    {
        var log = new LogCollector();
        using GateWeights gate = Gates.Identity(4);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { Logger = log, ComplexityEstimator = ComplexityEstimators.RouterMargin });
        using var activity = new Activity("request");
        activity.Start();

        router.DisableExpert(1, "maintenance");
        router.DisableExpert(1, "again");
        router.EnableExpert(1);
        router.EnableExpert(1);

        Assert.Contains("Expert 1 is out of service from the next batch on (maintenance); 3 of 4", Assert.Single(log.Warnings), StringComparison.Ordinal);
        Assert.Contains("Expert 1 is back", Assert.Single(log.Informations), StringComparison.Ordinal);
        ActivityEvent told = Assert.Single(activity.Events);
        Assert.Equal("dynamicmoe.expert_disabled", told.Name);
        Assert.Contains(new KeyValuePair<string, object?>("dynamicmoe.expert", 1), told.Tags);
    }

    [Fact]
    public void Route_WhenAnExpertIsDisabled_KeepsBalancingTheOthers()
    {
        const int experts = 4;
        using GateWeights gate = Gates.Identity(experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { LoadBalancing = true, BalanceStep = 0.01f, BalanceBound = 0.5f });
        router.DisableExpert(3);
        var random = new SeededRandom(3);
        var buffers = new RoutingBuffers(64, 1, experts, false);
        var recent = new long[experts];
        for (int batch = 0; batch < 200; batch++)
        {
            float[] logits = random.Gaussian(64 * experts, 0.3);
            for (int token = 0; token < 64; token++)
            {
                logits[token * experts] += 0.6f;
            }

            router.Route(logits, 64, buffers);
            for (int e = 0; e < experts && batch >= 100; e++)
            {
                recent[e] += buffers.ExpertRoutes[e];
            }
        }

        // 3 of 4 experts in even use score 3/4; unbalanced the first alone would take more than 80 % of the routes.
        Assert.InRange(ExpertUsageStats.From(100, recent).LoadBalanceScore, 0.72, 0.75);
    }

    [Fact]
    public async Task DisableExpert_WhileBatchesRun_IsSeenWholeByEach()
    {
        const int experts = 8;
        using GateWeights gate = Gates.Identity(experts, o => o.TrainedExperts = 2);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { MinExperts = 2 });
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                router.DisableExpert(i % experts);
                router.EnableExpert(i % experts);
            }
        });
        float[] hidden = RouterLogits.Finite("gaussian", 4, experts);
        var buffers = new RoutingBuffers(4, 2, experts, false);
        for (int i = 0; i < 2000; i++)
        {
            Assert.Equal(8, router.Route(hidden, 4, buffers).Routes);
        }

        await stop.CancelAsync();
        await writer.WaitAsync(TimeSpan.FromSeconds(10));
    }
}
