using System.Numerics.Tensors;
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
    public void Forward_WhenMemoryIsUsedUpAfterRouting_IsTheLibrarysOwnException()
    {
        using var layer = new MoELayer(new ExhaustedRouter(_router), _ => FunctionExpert.Times(1), Experts);

        var error = Assert.Throws<DynamicMoEMemoryException>(() => layer.Forward(new float[2 * Experts], 2, new float[2 * Experts]));

        Assert.Contains("2 tokens", error.Message, StringComparison.Ordinal);
        Assert.IsType<InsufficientMemoryException>(error.InnerException);
        Assert.Equal(0, layer.GetPerformanceSummary().TotalForwardCalls);
    }

    [Fact]
    public void Forward_WhenResultsDoNotFitIntoMemory_IsTheLibrarysOwnException()
    {
        var router = new ExhaustedRouter(_router);
        using var layer = new MoELayer(router, _ => FunctionExpert.Times(1), Experts);
        router.RefuseSlots = true;

        Assert.Throws<DynamicMoEMemoryException>(() => layer.Forward(new ReadOnlyTensorSpan<float>(new float[2 * Experts], [2, Experts])));
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
    public void Forward_WhenFewSlotsAreUsed_ReservesMemoryForTheRoutesOnly()
    {
        const int experts = 64;
        const int tokens = 512;
        using GateWeights gate = Gates.Identity(experts, o => o.TrainedExperts = experts);
        using var router = new DynamicRouter(gate, new DynamicRouterOptions { ComplexityEstimator = ComplexityEstimators.RouterMargin });
        using var layer = new MoELayer(router, _ => FunctionExpert.Times(1), experts);
        float[] hidden = RouterLogits.Finite("gaussian", tokens, experts);
        var counts = new int[tokens];
        Array.Fill(counts, 2);
        var context = new RoutingContext { ExpertCounts = counts };
        var output = new float[hidden.Length];
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal(2 * tokens, layer.Forward(hidden, tokens, output, null, context).Routes);

        // Rows and results of 2 routes per token take 512 KiB; of 64 slots per token they would take 16 MiB.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void Forward_WhenTheBatchExceedsMaxTokens_RunsInChunksWithTheSameBits()
    {
        const int tokens = 23;
        int most = 0;
        var counting = new FunctionExpert((rows, count, output) =>
        {
            most = Math.Max(most, count);
            rows.CopyTo(output);
        });
        using var whole = new MoELayer(_router, e => FunctionExpert.Times(e == 0 ? 1 : e), Experts);
        using var chunked = new MoELayer(
            _router, e => e == 0 ? counting : FunctionExpert.Times(e), Experts, new MoELayerOptions { MaxTokens = 5 });
        float[] hidden = RouterLogits.Finite("gaussian", tokens, Experts);
        var expected = new float[hidden.Length];
        var actual = new float[hidden.Length];

        whole.Forward(hidden, tokens, expected);
        chunked.Forward(hidden, tokens, actual);

        Assert.Equal(RoutingOracle.Bits(expected), RoutingOracle.Bits(actual));
        Assert.InRange(most, 1, 5);
    }

    [Fact]
    public void Forward_WhenAnExpertFailsInALaterChunk_NamesTheTokenOfTheBatch()
    {
        using var layer = new MoELayer(
            _router,
            e => e == 3 ? new FunctionExpert((_, _, output) => output[0] = float.NaN) : FunctionExpert.Times(1),
            Experts,
            new MoELayerOptions { MaxTokens = 2 });
        float[] hidden = [5, 4, 0, 0, 5, 4, 0, 0, 5, 4, 0, 0, 0, 0, 4, 5];

        Assert.Equal(3, Assert.Throws<ExpertDispatchException>(() => layer.Forward(hidden, 4, new float[16])).Token);
    }

    [Fact]
    public void Forward_WhenOneTokenExceedsAnArray_IsRefusedBeforeRouting()
    {
        const int dim = 600_000;
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = dim, NumExperts = 2 });
        using var layer = new MoELayer(router, _ => FunctionExpert.Times(1), 2);
        var buffers = new RoutingBuffers(1, 4096, 2, false);

        var error = Assert.Throws<RoutingValidationException>(() => layer.Forward(new float[dim], 1, new float[dim], buffers));

        Assert.Contains("4096 slots per token and hidden size 600000", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, router.GetExpertUsageStats().TotalBatches);
    }

    [Fact]
    public void Constructor_WhenTheFactoryIsUnusable_SaysWhy()
    {
        Assert.Throws<ArgumentNullException>("expertFactory", () => new MoELayer(_router, (Func<int, IExpert>)null!, Experts));
        Assert.Throws<ArgumentNullException>("expertFactory", () => new MoELayer(_router, _ => null!, Experts));
        Assert.Contains(
            "numExperts (3) differs from the router's (4)",
            Assert.Throws<RouterConfigurationException>(() => new MoELayer(_router, _ => FunctionExpert.Times(1), 3)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Constructor_WhenTheFactoryFails_DisposesTheExpertsItMade(bool throws)
    {
        var made = new List<FunctionExpert>();
        IExpert Make(int expert)
        {
            if (expert == 2)
            {
                return throws ? throw new InvalidOperationException("no third") : null!;
            }

            made.Add(FunctionExpert.Times(1));
            return made[^1];
        }

        Assert.ThrowsAny<Exception>(() => new MoELayer(_router, Make, Experts));

        Assert.Equal(2, made.Count);
        Assert.All(made, expert => Assert.True(expert.Disposed));
    }

    [Fact]
    public void Constructor_WhenRouterOrOptionsAreWrong_MakesNoExpert()
    {
        int made = 0;
        IExpert Make(int expert)
        {
            made++;
            return FunctionExpert.Times(1);
        }

        Assert.Throws<RouterConfigurationException>(() => new MoELayer(_router, Make, Experts, new MoELayerOptions { MaxTokens = 0 }));
        Assert.Throws<RouterConfigurationException>(() => new SparseMoELayer(_router, Make, Experts, new SparseMoELayerOptions { CapacityFactor = 0 }));
        Assert.Throws<RouterConfigurationException>(() => new MoELayer(_router, Make, Experts - 1));
        Assert.Throws<ArgumentNullException>("router", () => new MoELayer(null!, Make, Experts));
        Assert.Equal(0, made);
    }

    [Fact]
    public void Constructor_WhenTheRouterIsMissing_PacksNoBank()
    {
        // 256 MiB per expert and matrix: packing them first would show in the memory that was allocated.
        var shape = new ExpertBankOptions { NumExperts = 2, Hidden = 1024, Width = 65_536 };
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<ArgumentNullException>("router", () => new MoELayer(null!, shape));
        Assert.Throws<RouterConfigurationException>(() => new MoELayer(_router, shape));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    // Stands in for an array that the heap cannot hold: the layer asks for sizes just before it allocates by them.
    private sealed class ExhaustedRouter(DynamicRouter inner) : WrappedRouter(inner)
    {
        private bool _routed;

        public bool RefuseSlots { get; set; }

        public override int InputDim => _routed ? throw new InsufficientMemoryException() : base.InputDim;

        public override int MaxExperts => RefuseSlots ? throw new InsufficientMemoryException() : base.MaxExperts;

        public override RoutingReport Route(ReadOnlySpan<float> hidden, int tokens, RoutingBuffers buffers, RoutingContext? context = null)
        {
            _routed = true;
            return base.Route(hidden, tokens, buffers, context);
        }
    }
}
