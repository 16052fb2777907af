using System.Diagnostics.Metrics;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

public sealed class ExpertFaultTests : IDisposable
{
    private const int Experts = 4;
    private static readonly float[] Hidden = [0, 0, 5, 1];
    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);

    public void Dispose() => _gate.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Forward_WhenAnExpertFails_RoutesAroundItFromTheNextBatchOn(bool throws)
    {
        var log = new LogCollector();
        using var router = new DynamicRouter(
            _gate, new DynamicRouterOptions { MinExperts = 2, Logger = log, ComplexityEstimator = ComplexityEstimators.RouterMargin });
        using MoELayer layer = Layer(router, dead: [2], throws);
        var routes = new RoutingBuffers(1, 2, Experts, false);
        long faults = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == MoEMetrics.MeterName && instrument.Name == MoEMetrics.ExpertFaults)
                {
                    l.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref faults, value));
        listener.Start();

        var error = Assert.Throws<ExpertDispatchException>(() => layer.Forward(Hidden, 1, new float[4]));
        layer.Forward(Hidden, 1, new float[4], routes);

        Assert.Equal(2, error.Expert);
        Assert.Equal([3, 0], routes.ExpertIndices);
        Assert.Equal([2], router.GetDisabledExperts());
        Assert.Contains("Expert 2 is out of service", Assert.Single(log.Warnings), StringComparison.Ordinal);
        Assert.True(faults >= 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_WhenANativeExpertOverflows_RoutesAroundItFromTheNextBatchOn(bool penalty)
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions
        {
            MinExperts = 2,
            ComplexityEstimator = ComplexityEstimators.RouterMargin,
            LoadBalancing = penalty,
            BalancingMode = LoadBalancingMode.WeightPenalty,
        });
        using ExpertBank bank = ExpertBank.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = 4, Width = 4, Kind = ExpertKind.Linear });
        for (int expert = 0; expert < Experts; expert++)
        {
            float[] diagonal = [.. Enumerable.Range(0, 16).Select(i => i % 5 != 0 ? 0 : expert == 2 ? 3e38f : 1f)];
            bank.SetExpert(expert, ExpertWeights.FromFloat32(default, diagonal, default));
        }

        using var layer = new MoELayer(router, bank, new MoELayerOptions { ExpertFaults = ExpertFaultPolicy.Disable });
        var routes = new RoutingBuffers(2, 2, Experts, false);
        float[] hidden = [5, 1, 0, 0, .. Hidden];

        var error = Assert.Throws<ExpertDispatchException>(() => layer.Forward(hidden, 2, new float[8]));
        layer.Forward(hidden, 2, new float[8], routes);

        Assert.Equal((2, 1), (error.Expert, error.Token));
        Assert.Equal([2], router.GetDisabledExperts());
        Assert.DoesNotContain(2, routes.ExpertIndices);
    }

    [Fact]
    public void DisableExpert_WhenRoutersShareTheirService_HoldsForBoth()
    {
        using var first = new DynamicRouter(_gate, new DynamicRouterOptions());
        using var second = new DynamicRouter(_gate, new DynamicRouterOptions { ServiceOf = first });
        second.DisableExpert(1);
        Assert.Equal([1], first.GetDisabledExperts());
        first.EnableExpert(1);
        Assert.Empty(second.GetDisabledExperts());

        Assert.Contains("ServiceOf has 4 experts", Message(() => new DynamicRouter(new DynamicRouterOptions { InputDim = 4, NumExperts = 5, ServiceOf = first })), StringComparison.Ordinal);
    }

    [Fact]
    public void DisableExpert_WhenFewerThanTheMinimumAreLeftAlready_DoesNothingTheSecondTime()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2 });
        for (int expert = 0; expert < 3; expert++)
        {
            router.DisableFailed(expert, "failed");
        }

        router.DisableExpert(1);
        Assert.Equal([0, 1, 2], router.GetDisabledExperts());
        Assert.Throws<LoadBalancingException>(() => router.DisableExpert(3));
    }

    [Fact]
    public void Forward_WhenTooManyExpertsFailed_RefusesBatchesUntilOneIsBack()
    {
        bool dead = true;
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2 });
        using var layer = new MoELayer(
            router,
            e => new FunctionExpert((rows, _, output) =>
            {
                if (dead && e > 0)
                {
                    throw new InvalidOperationException("gone");
                }

                rows.CopyTo(output);
            }),
            Experts,
            new MoELayerOptions { ExpertFaults = ExpertFaultPolicy.Disable });
        var output = new float[4];

        for (int batch = 0; batch < 3; batch++)
        {
            Assert.Throws<ExpertDispatchException>(() => layer.Forward(Hidden, 1, output));
        }

        float[] untouched = [9, 9, 9, 9];
        var error = Assert.Throws<LoadBalancingException>(() => layer.Forward(Hidden, 1, untouched));
        dead = false;
        router.EnableExpert(3);
        layer.Forward(Hidden, 1, output);

        Assert.Contains("leaves 1 usable experts, min_experts is 2", error.Message, StringComparison.Ordinal);
        Assert.Equal([9f, 9, 9, 9], untouched);
        Assert.Equal([1, 2], router.GetDisabledExperts());
    }

    [Fact]
    public void Forward_WhenThePolicyIsFail_CallsTheExpertAgain()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2 });
        using var layer = new MoELayer(router, e => Expert(e == 2, throws: true), Experts);

        Assert.Throws<ExpertDispatchException>(() => layer.Forward(Hidden, 1, new float[4]));
        Assert.Throws<ExpertDispatchException>(() => layer.Forward(Hidden, 1, new float[4]));
        Assert.Empty(router.GetDisabledExperts());
    }

    [Fact]
    public async Task Forward_WhenManyCallsMeetTheFault_TakesTheExpertOutOnce()
    {
        var log = new LogCollector();
        using var router = new DynamicRouter(
            _gate, new DynamicRouterOptions { MinExperts = 2, Logger = log, ComplexityEstimator = ComplexityEstimators.RouterMargin });
        using MoELayer layer = Layer(router, dead: [2], throws: true);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            try
            {
                layer.Forward(Hidden, 1, new float[4]);
            }
            catch (ExpertDispatchException)
            {
                // Calls that were routed before the expert was taken out.
            }
        })));

        Assert.Single(log.Warnings);
        layer.Forward(Hidden, 1, new float[4]);
    }

    [Fact]
    public void Constructor_WhenThePolicyCannotAct_SaysSo()
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions());
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Experts, Width = 8 });
        var options = new MoELayerOptions { ExpertFaults = ExpertFaultPolicy.Disable };

        Assert.Contains("ExpertFaults", Message(() => new MoELayer(new WrappedRouter(router), _ => FunctionExpert.Times(1), Experts, options)), StringComparison.Ordinal);
        Assert.Contains("ExpertFaults", Message(() => new MoELayer(new WrappedRouter(router), experts.Bank, options)), StringComparison.Ordinal);
        Assert.Contains(
            "ExpertFaults",
            Message(() => new MoELayer(router, _ => FunctionExpert.Times(1), Experts, new MoELayerOptions { ExpertFaults = (ExpertFaultPolicy)7 })),
            StringComparison.Ordinal);
    }

    private static string Message(Func<object> make) => Assert.Throws<RouterConfigurationException>(make).Message;

    private static MoELayer Layer(DynamicRouter router, int[] dead, bool throws) => new(
        router, e => Expert(dead.Contains(e), throws), Experts, new MoELayerOptions { ExpertFaults = ExpertFaultPolicy.Disable });

    private static FunctionExpert Expert(bool dead, bool throws) => !dead ? FunctionExpert.Times(1) : new FunctionExpert((_, _, output) =>
    {
        if (throws)
        {
            throw new InvalidOperationException("broken");
        }

        output.Fill(float.NaN);
    });
}
