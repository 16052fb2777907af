using System.Numerics.Tensors;
using DynamicMoE.Compute;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

/// <summary>Overloads over spans allocate nothing on the managed heap once warm.</summary>
public sealed class AllocationTests
{
    private const int Dim = 32;
    private const int Tokens = 16;
    private static readonly float[] Hidden = new SeededRandom(1).Gaussian(Tokens * Dim);

    [Theory]
    [InlineData(ComplexityEstimators.GradientNorm)]
    [InlineData(ComplexityEstimators.AttentionEntropy)]
    [InlineData(ComplexityEstimators.PerplexityProxy)]
    [InlineData(ComplexityEstimators.Threshold)]
    [InlineData(ComplexityEstimators.RouterMargin)]
    public void Route_WhenWarm_AllocatesNothing(string estimator)
    {
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = Dim, NumExperts = 8, ComplexityEstimator = estimator });
        var buffers = new RoutingBuffers(Tokens, 8, 8, true);

        NoAllocation.Assert(() => router.Route(Hidden, Tokens, buffers));
    }

    [Fact]
    public void Route_WhenABudgetAndAContextAreUsed_AllocatesNothing()
    {
        using var router = new DynamicRouter(new DynamicRouterOptions
        {
            InputDim = Dim, NumExperts = 8, MaxExperts = 2, Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.5,
        });
        var buffers = new RoutingBuffers(Tokens, 2, 8, false);
        var context = new RoutingContext { Positions = new long[Tokens], ExpertMask = new byte[] { 1, 1, 1, 1, 1, 1, 1, 0 } };

        NoAllocation.Assert(() => router.Route(Hidden, Tokens, buffers, context));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_WhenExpertsAreNative_AllocatesNothing(bool sparse)
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = 8, Hidden = Dim, Width = 24 });
        using DynamicRouter router = Router();
        using MoELayer layer = sparse ? new SparseMoELayer(router, experts.Bank) : new MoELayer(router, experts.Bank);
        var output = new float[Hidden.Length];
        var buffers = new RoutingBuffers(Tokens, 2, 8, false);

        NoAllocation.Assert(() => layer.Forward(Hidden, Tokens, output));
        NoAllocation.Assert(() => layer.Forward(Hidden, Tokens, output, buffers));
        NoAllocation.Assert(() => layer.Forward(
            new ReadOnlyTensorSpan<float>(Hidden, [1, Tokens, Dim]), new TensorSpan<float>(output, [1, Tokens, Dim])));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Forward_WhenABudgetIsHeld_AllocatesNothing(int tokens)
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = 8, Hidden = Dim, Width = 24, Format = WeightFormat.BFloat16 });
        using var router = new DynamicRouter(new DynamicRouterOptions
        {
            InputDim = Dim, NumExperts = 8, MaxExperts = 2, Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.25,
        });
        using var layer = new MoELayer(router, experts.Bank);
        float[] hidden = new SeededRandom(3).Gaussian(tokens * Dim);
        var output = new float[hidden.Length];

        NoAllocation.Assert(() => layer.Forward(hidden, tokens, output));
    }

    [Fact]
    public void Forward_WhenExpertsAreOutAndWeightsPenalised_AllocatesNothing()
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = 8, Hidden = Dim, Width = 24 });
        using var router = new DynamicRouter(new DynamicRouterOptions
        {
            InputDim = Dim, NumExperts = 8, MaxExperts = 2, BalancingMode = LoadBalancingMode.WeightPenalty,
        });
        router.DisableExpert(3);
        using var layer = new MoELayer(router, experts.Bank);
        var output = new float[Hidden.Length];
        var context = new RoutingContext { ExpertMask = new byte[] { 1, 1, 1, 1, 1, 1, 1, 0 } };

        NoAllocation.Assert(() => layer.Forward(Hidden, Tokens, output, null, context));
    }

    [Theory]
    [InlineData(1e-9)]
    [InlineData(1)]
    public void Forward_WhenAGuardrailSamples_AllocatesNothing(double rate)
    {
        using var experts = TestExperts.Create(new ExpertBankOptions { NumExperts = 8, Hidden = Dim, Width = 24 });
        using DynamicRouter router = Router();
        using var guardrail = new ShadowGuardrail(new GuardrailOptions { SampleRate = rate, RunInBackground = false });
        using var layer = new MoELayer(router, experts.Bank, new MoELayerOptions { Guardrail = guardrail });
        var output = new float[Hidden.Length];

        NoAllocation.Assert(() => layer.Forward(Hidden, Tokens, output));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_WhenExpertsAreManaged_AllocatesNothing(bool sparse)
    {
        using DynamicRouter router = Router();
        using MoELayer layer = sparse
            ? new SparseMoELayer(router, e => FunctionExpert.Times(e), 8)
            : new LayerNormMoE(router, e => FunctionExpert.Times(e), 8);
        var output = new float[Hidden.Length];

        NoAllocation.Assert(() => layer.Forward(Hidden, Tokens, output));
    }

    [Fact]
    public void DenseParts_WhenWarm_AllocateNothing()
    {
        var random = new SeededRandom(2);
        using PackedMatrix matrix = PackedMatrix.FromFloat32(random.Gaussian(Dim * Dim), Dim, Dim);
        var y = new float[Hidden.Length];
        var options = new AttentionOptions { QueryHeads = 2, KvHeads = 1, HeadDim = 16, Scale = 0.25f };
        float[] cache = random.Gaussian(Tokens * 16);

        NoAllocation.Assert(() => matrix.Multiply(Hidden, Tokens, y));
        NoAllocation.Assert(() => Normalization.Rms(Hidden, Tokens, default, 1e-5f, y));
        NoAllocation.Assert(() => Normalization.Layer(Hidden, Tokens, default, default, 1e-5f, y));
        NoAllocation.Assert(() => CausalAttention.Run(in options, Hidden, cache, cache, y));
    }

    private static DynamicRouter Router() => new(new DynamicRouterOptions { InputDim = Dim, NumExperts = 8, MaxExperts = 2 });
}
