using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

public sealed class LayerLatencyTests : IDisposable
{
    private const int Experts = 4;
    private static readonly float[] Hidden = new SeededRandom(1).Gaussian(Experts);
    private readonly ManualClock _clock = new();
    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);

    public void Dispose() => _gate.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_WhenCallsAreTooSlow_LowersTheBudget(bool sparse)
    {
        using var router = new DynamicRouter(_gate, new DynamicRouterOptions
        {
            MaxExperts = 2, Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 2,
        });
        var latency = new LatencyController(
            router.Arbiter!, new LatencyControllerOptions { Target = TimeSpan.FromMilliseconds(4), MinCalls = 20, TimeProvider = _clock });
        bool fails = true;
        Func<int, IExpert> expert = _ => new FunctionExpert((rows, _, output) =>
        {
            _clock.Advance(TimeSpan.FromMilliseconds(5));
            output.Fill(fails ? float.NaN : 1);
        });
        using MoELayer layer = sparse
            ? new SparseMoELayer(router, expert, Experts, new SparseMoELayerOptions { Latency = latency })
            : new MoELayer(router, expert, Experts, new MoELayerOptions { Latency = latency });
        for (int call = 0; call < 30; call++)
        {
            Assert.Throws<ExpertDispatchException>(() => layer.Forward(Hidden, 1, new float[Experts]));
        }

        Assert.Null(router.Arbiter!.LatencyCeiling);
        fails = false;
        for (int call = 0; call < 20; call++)
        {
            layer.Forward(Hidden, 1, new float[Experts]);
        }

        Assert.InRange(router.Arbiter.LatencyCeiling!.Value, 1, 1.95);
    }
}
