using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

public sealed class ManagedExpertTests : IDisposable
{
    private const int Experts = 4;
    private readonly GateWeights _gate = Gates.Identity(Experts, o => o.TrainedExperts = 2);
    private readonly DynamicRouter _router;

    public ManagedExpertTests() => _router = new DynamicRouter(_gate, new DynamicRouterOptions { MinExperts = 2 });

    public void Dispose()
    {
        _router.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public void Forward_WhenExpertsScale_AddsThemUpByWeight()
    {
        using var layer = new MoELayer(_router, e => FunctionExpert.Times(e + 1), Experts);
        float[] hidden = RouterLogits.Finite("gaussian", 20, Experts);
        var buffers = new RoutingBuffers(20, 2, Experts, false);
        var output = new float[hidden.Length];

        layer.Forward(hidden, 20, output, buffers);

        for (int token = 0; token < 20; token++)
        {
            double factor = 0;
            for (int slot = 0; slot < 2; slot++)
            {
                factor += buffers.WeightsOf(token)[slot] * (double)(buffers.IndicesOf(token)[slot] + 1);
            }

            for (int d = 0; d < Experts; d++)
            {
                Assert.Equal(factor * hidden[token * Experts + d], output[token * Experts + d], 1e-5);
            }
        }
    }

    [Fact]
    public void Forward_WhenAnExpertThrows_NamesIt()
    {
        var cause = new InvalidOperationException("broken");
        using var layer = new MoELayer(_router, e => e == 2 ? new FunctionExpert((_, _, _) => throw cause) : FunctionExpert.Times(1), Experts);

        var error = Assert.Throws<ExpertDispatchException>(() => layer.Forward([0, 0, 5, 1], 1, new float[4]));

        Assert.Equal(2, error.Expert);
        Assert.Same(cause, error.InnerException);
        Assert.Contains("Expert 2", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, layer.GetPerformanceSummary().TotalForwardCalls);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Forward_WhenAnExpertReturnsNoNumber_NamesTokenAndExpert(float value)
    {
        using var layer = new MoELayer(
            _router,
            e => e == 3 ? new FunctionExpert((_, _, output) => output[^1] = value) : FunctionExpert.Times(1),
            Experts);
        float[] hidden = [5, 4, 0, 0, 0, 0, 4, 5, 4, 5, 0, 0];

        var error = Assert.Throws<ExpertDispatchException>(() => layer.Forward(hidden, 3, new float[12]));

        Assert.Equal((3, 1), (error.Expert, error.Token));
        Assert.Contains("token 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dispose_WhenCalledTwice_DisposesTheExpertsItMade()
    {
        var made = new List<FunctionExpert>();
        var layer = new MoELayer(
            _router,
            _ =>
            {
                made.Add(FunctionExpert.Times(1));
                return made[^1];
            },
            Experts);

        layer.Dispose();
        layer.Dispose();

        Assert.Equal(Experts, made.Count);
        Assert.All(made, expert => Assert.True(expert.Disposed));
        Assert.Throws<ObjectDisposedException>(() => layer.Forward(new float[4], 1, new float[4]));
    }

    [Fact]
    public void Constructor_WhenTheFactoryIsUnusable_SaysWhy()
    {
        Assert.Throws<ArgumentNullException>("factory", () => new MoELayer(_router, (Func<int, IExpert>)null!, Experts));
        Assert.Throws<ArgumentNullException>("factory", () => new MoELayer(_router, _ => null!, Experts));
        Assert.Contains(
            "numExperts (3) differs from the router's (4)",
            Assert.Throws<RouterConfigurationException>(() => new MoELayer(_router, _ => FunctionExpert.Times(1), 3)).Message,
            StringComparison.Ordinal);
    }
}
