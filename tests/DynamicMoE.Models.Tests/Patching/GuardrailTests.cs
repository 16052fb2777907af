using DynamicMoE.Models.Tests.Decoding;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.Models.Tests.Patching;

public sealed class GuardrailTests
{
    private const int Vocabulary = 64;

    [Theory]
    [InlineData(ReferenceFamily.Mixtral)]
    [InlineData(ReferenceFamily.Qwen2Moe)]
    [InlineData(ReferenceFamily.DeepSeekMoe)]
    public void Forward_WhenEveryTokenHasTheTrainedNumber_ShowsNoDriftAtAll(ReferenceFamily family)
    {
        using MoEModel model = TestModels.Load(family);
        using ShadowGuardrail guardrail = Every();
        DynamicRoutingOptions options = DynamicRoutingOptions.FixedCount(model.Config.Experts.PerToken);
        options.Guardrail = guardrail;
        model.PatchDynamicRouting(options);

        _ = TestModels.Run(model, TestModels.Tokens());
        guardrail.RunPending();

        // 24 rows of each layer, and the 4 positions that the queue of distributions holds; the rest of those is dropped.
        GuardrailStatus status = guardrail.GetStatus();
        Assert.Equal((24 * model.MoELayers.Count) + 4, status.Samples);
        Assert.Equal((0.0, 0.0, 20L, 0L), (status.MeanDrift, Math.Round(status.MeanDivergence, 12), status.Dropped, status.Failed));
    }

    [Fact]
    public void Forward_WhenTokensHaveFewer_ShowsTheDivergenceFromTheStaticModel()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        int[] tokens = TestModels.Tokens();
        float[] expected = TestModels.Run(model, tokens);
        using ShadowGuardrail guardrail = Every();
        model.PatchDynamicRouting(new DynamicRoutingOptions { Tau = 0.9f, Guardrail = guardrail });

        float[] dynamic = TestModels.Run(model, tokens);
        guardrail.RunPending();

        double sum = 0;
        for (int position = 0; position < 4; position++)
        {
            double[] p = Softmax(expected, position);
            double[] q = Softmax(dynamic, position);
            sum += p.Zip(q, (a, b) => a * Math.Log(a / b)).Sum();
        }

        GuardrailStatus status = guardrail.GetStatus();
        Assert.True(status.MeanDrift > 0.01);
        Assert.True(sum > 0);
        Assert.Equal(sum / 4, status.MeanDivergence, sum / 4 * 1e-5);
    }

    [Fact]
    public void Forward_WhenTokensComeOneByOne_ComparesTheWholeSequence()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        using ShadowGuardrail guardrail = Every();
        DynamicRoutingOptions options = DynamicRoutingOptions.FixedCount(model.Config.Experts.PerToken);
        options.Guardrail = guardrail;
        model.PatchDynamicRouting(options);
        MoESession session = model.CreateSession(24);
        var logits = new float[Vocabulary];

        foreach (int token in TestModels.Tokens(10))
        {
            _ = session.ForwardLast([token], logits);
            guardrail.RunPending();
        }

        Assert.Equal((10L * model.MoELayers.Count) + 10, guardrail.GetStatus().Samples);
        Assert.Equal(0, guardrail.GetStatus().MeanDivergence, 1e-12);
    }

    [Theory]
    [InlineData(1e-6, 100)]
    [InlineData(100, 1e-6)]
    public void Forward_WhenEitherLimitIsPassed_RaisesTheFloorOfTheBudget(double drift, double divergence)
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        using var guardrail = new ShadowGuardrail(new GuardrailOptions
        {
            SampleRate = 1, QueueCapacity = 64, RunInBackground = false, DriftLimit = drift, DivergenceLimit = divergence, MinimumSamples = 4, FloorStep = 0.25,
        });
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.25, Tau = 0.9f, Guardrail = guardrail });
        BudgetArbiter arbiter = model.MoELayers[0].Router.Arbiter!;

        _ = TestModels.Run(model, TestModels.Tokens());
        guardrail.RunPending();
        Assert.Equal(1.5, arbiter.GuardrailFloor);
        _ = TestModels.Run(model, TestModels.Tokens());

        Assert.Equal(1.5, arbiter.Decision.Effective);
        Assert.Equal(1.5, guardrail.GetStatus().Floor);
        model.UnpatchDynamicRouting();
        Assert.Null(arbiter.GuardrailFloor);
    }

    [Fact]
    public void Unpatch_WhenAGuardrailWatched_EndsTheSampling()
    {
        ShadowGuardrail guardrail = Every();
        MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        model.PatchDynamicRouting(new DynamicRoutingOptions { Guardrail = guardrail });
        model.UnpatchDynamicRouting();
        _ = TestModels.Run(model, TestModels.Tokens());
        guardrail.RunPending();
        Assert.Equal(0, guardrail.GetStatus().Samples);

        model.PatchDynamicRouting(new DynamicRoutingOptions { Guardrail = guardrail });
        _ = TestModels.Run(model, TestModels.Tokens());
        model.Dispose();
        guardrail.RunPending();

        Assert.Equal((0L, 0L), (guardrail.GetStatus().Samples, guardrail.GetStatus().Failed));
        guardrail.Dispose();
    }

    private static ShadowGuardrail Every() => new(new GuardrailOptions { SampleRate = 1, QueueCapacity = 64, RunInBackground = false });

    private static double[] Softmax(float[] logits, int position) =>
        ReferenceMath.Softmax([.. logits.Skip(position * Vocabulary).Take(Vocabulary).Select(l => (double)l)]);
}
