using System.Numerics.Tensors;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

/// <summary>One limit for every way in: a batch either runs or is refused with a typed exception before anything is written.</summary>
public sealed class LargeBatchTests
{
    private const int MostTokens = 16_777_216;

    [Fact]
    public void RouteAndForward_WhenABatchExceedsAChunksLargestSize_Run()
    {
        const int tokens = 1_048_577;
        using DynamicRouter router = Router(experts: 2, max: 1);
        using ExpertBank bank = Linear(2);
        using var layer = new MoELayer(router, bank);
        var hidden = new float[tokens];
        Array.Fill(hidden, 1f);
        var output = new float[tokens];

        Assert.Equal(tokens, layer.Forward(hidden, tokens, output).Tokens);
        Assert.All(new[] { output[0], output[^1] }, y => Assert.Equal(1f, y));
        Assert.Equal(tokens, router.Route(Tensor.Create(hidden, [tokens, 1])).Info.Report.Tokens);
    }

    [Fact]
    public void RouteAndForward_WhenABatchHasTooManyTokens_AreRefused()
    {
        using DynamicRouter router = Router(experts: 2, max: 1);
        using ExpertBank bank = Linear(2);
        using var layer = new MoELayer(router, bank);

        AssertRefused(router, layer, MostTokens + 1, logits: false);
    }

    [Fact]
    public void RouteAndForward_WhenDecisionsExceedAnArray_AreRefused()
    {
        const int tokens = 600_000;
        using DynamicRouter router = Router(experts: 4096, max: 4096);
        using ExpertBank bank = Linear(4096);
        using var layer = new MoELayer(router, bank);

        AssertRefused(router, layer, tokens, logits: false);
    }

    [Fact]
    public void RouteAndForward_WhenLogitsExceedAnArray_AreRefused()
    {
        const int tokens = 600_000;
        using DynamicRouter router = Router(experts: 4096, max: 1);
        using var layer = new SparseMoELayer(router, _ => FunctionExpert.Times(1), 4096);

        AssertRefused(router, layer, tokens, logits: true);
    }

    [Fact]
    public void RoutingBuffers_WhenTheirProductExceedsAnArray_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>("maxTokens", () => new RoutingBuffers(MostTokens + 1, 1, 1, false));
        Assert.Throws<ArgumentOutOfRangeException>("maxTokens", () => new RoutingBuffers(600_000, 4096, 4096, false));
        Assert.Throws<ArgumentOutOfRangeException>("maxTokens", () => new RoutingBuffers(600_000, 1, 4096, true));
    }

    private static void AssertRefused(DynamicRouter router, MoELayer layer, int tokens, bool logits)
    {
        var hidden = new float[tokens];
        var output = new float[tokens];
        Tensor<float> tensor = Tensor.Create(hidden, [tokens, 1]);

        Throws(tokens, () => layer.Forward(hidden, tokens, output));
        Throws(tokens, () => layer.Forward(tensor, logits));
        Throws(tokens, () => router.Route(tensor, logits));
        Assert.Equal(0, router.GetExpertUsageStats().TotalBatches);
    }

    private static void Throws(int tokens, Action call) =>
        Assert.Contains($"{tokens} tokens", Assert.Throws<RoutingValidationException>(call).Message, StringComparison.Ordinal);

    private static DynamicRouter Router(int experts, int max) => new(new DynamicRouterOptions
    {
        InputDim = 1, NumExperts = experts, MaxExperts = max, ComplexityEstimator = ComplexityEstimators.RouterMargin,
    });

    private static ExpertBank Linear(int experts)
    {
        ExpertBank bank = ExpertBank.Create(new ExpertBankOptions { NumExperts = experts, Hidden = 1, Width = 1, Kind = ExpertKind.Linear });
        for (int expert = 0; expert < experts; expert++)
        {
            bank.SetExpert(expert, ExpertWeights.FromFloat32(default, [1], default));
        }

        return bank;
    }
}
