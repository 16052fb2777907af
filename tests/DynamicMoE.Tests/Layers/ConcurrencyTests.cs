using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

public sealed class ConcurrencyTests
{
    private const int Dim = 32;
    private const int Experts = 8;

    [Fact]
    public async Task Forward_WhenManyThreadsCall_GivesEachItsOwnResult()
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 24 });
        using GateWeights gate = Gate();
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterMargin });
        using var layer = new MoELayer(router, experts.Bank);
        const int threads = 8;
        const int calls = 50;
        float[][] inputs = [.. Enumerable.Range(0, threads).Select(t => new SeededRandom((ulong)t).Gaussian((t + 1) * Dim))];
        float[][] expected = Array.ConvertAll(inputs, input => Run(layer, input));

        await Task.WhenAll(Enumerable.Range(0, threads).Select(t => Task.Run(() =>
        {
            for (int call = 0; call < calls; call++)
            {
                Assert.Equal(RoutingOracle.Bits(expected[t]), RoutingOracle.Bits(Run(layer, inputs[t])));
            }
        })));

        PerformanceSummary summary = layer.GetPerformanceSummary();
        Assert.Equal(threads + threads * calls, summary.TotalForwardCalls);
        Assert.Equal((1 + calls) * threads * (threads + 1) / 2, summary.TotalTokens);
        Assert.Equal(summary.TotalForwardCalls, summary.RouterStats.TotalBatches);
        Assert.Equal(summary.TotalExpertCalls, summary.RouterStats.TotalRoutes);
    }

    [Fact]
    public async Task Route_WhenStateMovesUnderManyThreads_StaysValid()
    {
        using var router = new DynamicRouter(new DynamicRouterOptions
        {
            InputDim = Dim, NumExperts = Experts, MaxExperts = 2, Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.5, LoadBalancing = true,
            ComplexityEstimator = ComplexityEstimators.GradientNorm,
        });

        await Task.WhenAll(Enumerable.Range(0, 6).Select(t => Task.Run(() =>
        {
            var random = new SeededRandom((ulong)t);
            var buffers = new RoutingBuffers(32, 2, Experts, false);
            for (int call = 0; call < 200; call++)
            {
                router.Route(random.Gaussian(32 * Dim), 32, buffers);
                Assert.All(buffers.ExpertsPerToken, k => Assert.InRange(k, 1, 2));
            }
        })));

        Assert.Equal(1200, router.GetExpertUsageStats().TotalBatches);
        Assert.InRange(router.Controller!.RealisedMean, 1.4, 1.6);
    }

    [Fact]
    public async Task Dispose_WhileCallsRun_EndsThemCleanly()
    {
        for (int round = 0; round < 10; round++)
        {
            var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 24 });
            GateWeights gate = Gate();
            var router = new DynamicRouter(gate, new DynamicRouterOptions());
            var layer = new MoELayer(router, experts.Bank);
            using var started = new CountdownEvent(3);
            Task[] callers = [.. Enumerable.Range(0, 3).Select(t => Task.Run(() =>
            {
                float[] input = new SeededRandom((ulong)t).Gaussian(64 * Dim);
                started.Signal();
                while (true)
                {
                    try
                    {
                        Run(layer, input);
                    }
                    catch (ObjectDisposedException)
                    {
                        return;
                    }
                }
            }))];
            started.Wait(TimeSpan.FromSeconds(10));

            experts.Dispose();
            gate.Dispose();
            router.Dispose();
            layer.Dispose();

            await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(20));
        }
    }

    [Fact]
    public async Task Dispose_WhileManagedExpertsRun_WaitsForTheLastCall()
    {
        using GateWeights gate = Gate();
        using var router = new DynamicRouter(gate, new DynamicRouterOptions());
        using var inside = new CountdownEvent(2);
        using var end = new ManualResetEventSlim();
        int usedAfterDispose = 0;
        FunctionExpert[] made = new FunctionExpert[Experts];
        for (int expert = 0; expert < Experts; expert++)
        {
            FunctionExpert self = null!;
            self = new FunctionExpert((rows, _, output) =>
            {
                if (!inside.IsSet)
                {
                    inside.Signal();
                }

                Assert.True(end.Wait(TimeSpan.FromSeconds(20)));
                rows.CopyTo(output);
                Interlocked.Add(ref usedAfterDispose, self.Disposed ? 1 : 0);
            });
            made[expert] = self;
        }

        var layer = new MoELayer(router, e => made[e], Experts);
        float[] input = new SeededRandom(1).Gaussian(Dim);
        Task[] callers = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() => Run(layer, input)))];
        Assert.True(inside.Wait(TimeSpan.FromSeconds(20)));

        layer.Dispose();
        layer.Dispose();
        Assert.All(made, expert => Assert.False(expert.Disposed));
        Assert.Throws<ObjectDisposedException>(() => Run(layer, input));
        end.Set();
        await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(20));

        Assert.Equal(0, usedAfterDispose);
        Assert.All(made, expert => Assert.True(expert.Disposed));
    }

    private static GateWeights Gate() =>
        GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2 }, 5);

    private static float[] Run(MoELayer layer, float[] input)
    {
        var output = new float[input.Length];
        layer.Forward(input, input.Length / Dim, output);
        return output;
    }
}
