using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

/// <summary>More callers than any machine has cores, with calls that are long enough to wait for their turn.</summary>
public sealed class CrowdTests : IDisposable
{
    private const int Dim = 256;
    private const int Experts = 8;
    private static readonly int Callers = Math.Max(32, 4 * Environment.ProcessorCount);

    private readonly GateWeights _gate =
        GateWeights.CreateRandom(new GateOptions { InputDim = Dim, NumExperts = Experts, TrainedExperts = 2 }, 5);
    private readonly ExpertBank _bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 512 }, 6);
    private readonly DynamicRouter _router;

    public CrowdTests() => _router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2, ComplexityEstimator = ComplexityEstimators.RouterMargin });

    public void Dispose()
    {
        _router.Dispose();
        _bank.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public void Forward_WhenCallersExceedCores_GivesTheSameBits()
    {
        using var layer = new MoELayer(_router, _bank);
        float[][] inputs = [.. Enumerable.Range(0, Callers).Select(Input)];
        int[][] expected = Array.ConvertAll(inputs, input => RoutingOracle.Bits(Run(layer, input)));

        RunTogether(caller =>
        {
            for (int call = 0; call < 20; call++)
            {
                Assert.Equal(expected[caller], RoutingOracle.Bits(Run(layer, inputs[caller])));
            }
        });

        Assert.Equal(Callers * 21, layer.GetPerformanceSummary().TotalForwardCalls);
    }

    [Fact]
    public void Forward_WhenSomeOfManyCallsFail_ThrowsInTheirThreadsOnly()
    {
        using var layer = new MoELayer(_router, _bank);

        RunTogether(caller =>
        {
            float[] input = Input(caller);
            if (caller % 3 == 0)
            {
                input[caller] = float.NaN;
            }

            for (int call = 0; call < 20; call++)
            {
                if (caller % 3 == 0)
                {
                    var failure = Assert.Throws<RoutingValidationException>(() => Run(layer, input));
                    Assert.Contains($"column {caller}", failure.Message, StringComparison.Ordinal);
                }
                else
                {
                    Run(layer, input);
                }
            }
        });
    }

    [Fact]
    public void Dispose_WhileCallsWait_LetsThemEnd()
    {
        var layer = new MoELayer(_router, _bank);
        using var first = new CountdownEvent(Callers);

        bool allHaveCalled = false;
        var disposal = new Thread(() =>
        {
            allHaveCalled = first.Wait(TimeSpan.FromSeconds(20));
            layer.Dispose();
        });
        disposal.Start();
        RunTogether(caller =>
        {
            float[] input = Input(caller);
            for (bool counted = false; ;)
            {
                try
                {
                    Run(layer, input);
                }
                catch (ObjectDisposedException)
                {
                    return;
                }

                if (!counted)
                {
                    first.Signal();
                    counted = true;
                }
            }
        });
        Assert.True(disposal.Join(TimeSpan.FromSeconds(20)));
        Assert.True(allHaveCalled);
    }

    private static float[] Input(int caller) => new SeededRandom((ulong)caller + 1).Gaussian(Dim);

    private static float[] Run(MoELayer layer, float[] input)
    {
        var output = new float[Dim];
        layer.Forward(input, 1, output);
        return output;
    }

    // Threads of their own: those of the thread pool come one by one.
    private static void RunTogether(Action<int> body)
    {
        using var start = new Barrier(Callers);
        var failures = new Exception?[Callers];
        Thread[] threads = [.. Enumerable.Range(0, Callers).Select(caller => new Thread(() =>
        {
            start.SignalAndWait();
            try
            {
                body(caller);
            }
            catch (Exception failure)
            {
                failures[caller] = failure;
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(TimeSpan.FromSeconds(60))));
        Assert.All(failures, Assert.Null);
    }
}
