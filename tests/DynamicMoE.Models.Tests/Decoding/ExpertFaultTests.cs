using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>An expert of a loaded model whose output overflows.</summary>
public sealed class ExpertFaultTests
{
    private const int Expert = 3;

    [Fact]
    public void Forward_WhenAnExpertOverflows_IsRoutedAroundWhicheverRouterIsInForce()
    {
        using MoEModel model = TestModels.Load(Broken(), new ModelLoadOptions { ExpertFaults = ExpertFaultPolicy.Disable });
        MoEBlock block = model.MoELayers[0];
        var error = Assert.Throws<ExpertDispatchException>(() => TestModels.Run(model, TestModels.Tokens()));

        Assert.Equal(Expert, error.Expert);
        _ = TestModels.Run(model, TestModels.Tokens());
        Assert.Equal([Expert], block.Router.GetDisabledExperts());
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });
        Assert.Equal([Expert], block.Router.GetDisabledExperts());
        _ = TestModels.Run(model, TestModels.Tokens());
        block.Router.EnableExpert(Expert);
        block.Router.DisableExpert(Expert + 1);
        model.UnpatchDynamicRouting();
        Assert.Equal([Expert + 1], block.Router.GetDisabledExperts());
    }

    [Fact]
    public void MeasureSensitivity_WhenAnExpertOverflows_TakesNoneOutOfProduction()
    {
        using MoEModel model = TestModels.Load(Broken(), new ModelLoadOptions { ExpertFaults = ExpertFaultPolicy.Disable });

        Assert.Throws<ExpertDispatchException>(() => model.MeasureSensitivity(TestModels.Tokens(300)));
        Assert.Empty(model.MoELayers[0].Router.GetDisabledExperts());
    }

    [Fact]
    public void Forward_WhenThePolicyIsFail_FailsEachTime()
    {
        using MoEModel model = TestModels.Load(Broken());

        Assert.Throws<ExpertDispatchException>(() => TestModels.Run(model, TestModels.Tokens()));
        Assert.Throws<ExpertDispatchException>(() => TestModels.Run(model, TestModels.Tokens()));
        Assert.Throws<RouterConfigurationException>(() => TestModels.Load(ReferenceFamily.Mixtral, new ModelLoadOptions { ExpertFaults = (ExpertFaultPolicy)9 }));
    }

    private static SyntheticCheckpoint Broken()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        Array.Fill(checkpoint.Tensors[$"model.layers.0.block_sparse_moe.experts.{Expert}.w2.weight"].Data, 3e38);
        return checkpoint;
    }
}
