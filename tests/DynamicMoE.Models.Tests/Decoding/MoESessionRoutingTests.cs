using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>Dials of a session, and what it says about its last pass.</summary>
public sealed class MoESessionRoutingTests
{
    private const int Vocabulary = 64;

    [Theory]
    [InlineData(1f, 0f)]
    [InlineData(1.5f, 0.5f)]
    [InlineData(2f, 1f)]
    public void ExpertsBudget_WhenSet_IsTheDialOfTheSameMean(float budget, float quality)
    {
        using MoEModel model = Frozen(new DynamicRoutingOptions { MeanExpertsPerToken = 1.25 });
        MoESession byBudget = model.CreateSession(40), byQuality = model.CreateSession(40);
        var first = new float[40 * Vocabulary];
        var second = new float[40 * Vocabulary];
        byBudget.ExpertsBudget = budget;
        byQuality.Quality = quality;

        _ = byBudget.Forward(TestModels.Tokens(40), first);
        _ = byQuality.Forward(TestModels.Tokens(40), second);

        Assert.Equal(second, first);
        Assert.Equal(byQuality.Total.Routes, byBudget.Total.Routes);
    }

    [Fact]
    public void ExpertsBudget_WhenSet_ExcludesQuality()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(8);

        session.Quality = 0.5f;
        session.ExpertsBudget = 1.5f;
        Assert.Equal((null, 1.5f), (session.Quality, session.ExpertsBudget));
        session.Quality = 0.25f;
        Assert.Equal((0.25f, null), (session.Quality, session.ExpertsBudget));
        session.ExpertsBudget = null;
        Assert.Equal((null, (float?)null), (session.Quality, session.ExpertsBudget));
    }

    [Theory]
    [InlineData(0.9f, 1)]
    [InlineData(2.1f, 1)]
    [InlineData(float.NaN, 1)]
    [InlineData(1.5f, 2)]
    public void ExpertsBudget_WhenOutOfRange_NamesTheRangeAndKeepsTheDial(float budget, int minExperts)
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        if (minExperts > 1)
        {
            model.PatchDynamicRouting(new DynamicRoutingOptions { MinExperts = minExperts, MaxExperts = 4, MeanExpertsPerToken = 3 });
        }

        MoESession session = model.CreateSession(8);
        session.Quality = 0.5f;

        var e = Assert.Throws<RouterConfigurationException>(() => session.ExpertsBudget = budget);

        Assert.Contains($"outside {minExperts}..2.", e.Message, StringComparison.Ordinal);
        Assert.Equal(0.5f, session.Quality);
    }

    [Fact]
    public void ExpertsBudget_WhenNothingHasABudget_IsIgnored()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(8);
        session.ExpertsBudget = 1;

        Assert.Equal(2, session.ForwardLast([1, 2], new float[Vocabulary]).MeanExpertsPerToken);
    }

    [Fact]
    public void LastExpertsPerToken_WhenCountsDiffer_IsEachTokensMeanOverTheLayers()
    {
        using MoEModel model = Frozen(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 }, maxTokens: 7);
        MoESession whole = model.CreateSession(40), single = model.CreateSession(40);
        int[] tokens = TestModels.Tokens(40);
        ForwardReport report = whole.Forward(tokens, new float[40 * Vocabulary]);
        float[] experts = whole.LastExpertsPerToken.ToArray();

        Assert.Equal(40, experts.Length);
        Assert.True(experts.Distinct().Count() > 1);
        Assert.Equal(report.Routes, experts.Sum() * model.MoELayers.Count, 3);
        for (int i = 0; i < 40; i++)
        {
            ForwardReport one = single.ForwardLast(tokens.AsSpan(i, 1), new float[Vocabulary]);
            Assert.Equal([(float)one.Routes / model.MoELayers.Count], single.LastExpertsPerToken.ToArray());
            Assert.Equal(single.LastExpertsPerToken[0], experts[i]);
        }
    }

    [Fact]
    public void Truncate_WhenPositionsAreTakenBack_GoesOnAsIfTheyHadNotBeen()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(8);
        _ = session.ForwardLast([1, 2, 3, 4, 5], new float[Vocabulary]);
        var logits = new float[2 * Vocabulary];

        session.Truncate(2);
        _ = session.Forward([6, 7], logits);

        Assert.Equal(4, session.Position);
        Assert.Equal(TestModels.Run(model, [1, 2, 6, 7])[(2 * Vocabulary)..], logits);
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Truncate(5));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Truncate(-1));
        session.Truncate(0);
        Assert.Equal(0, session.Position);
    }

    [Fact]
    public void Reset_WhenTheSessionIsUsedAgain_StartsAnew()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(8);
        session.Quality = 0.5f;
        _ = session.ForwardLast([1, 2, 3], new float[Vocabulary]);

        session.Reset();

        Assert.Equal((0, default, 0, 0.5f), (session.Position, session.Total, session.LastExpertsPerToken.Length, session.Quality));
        Assert.All(session.LastRouting.ToArray(), layer => Assert.Equal(default, layer.Report));
    }

    private static MoEModel Frozen(DynamicRoutingOptions options, int maxTokens = 512)
    {
        MoEModel model = TestModels.Load(ReferenceFamily.Mixtral, new ModelLoadOptions { MaxTokens = maxTokens });
        model.PatchDynamicRouting(options);
        _ = TestModels.Run(model, TestModels.Tokens(200));
        foreach (MoEBlock block in model.MoELayers)
        {
            block.Router.Frozen = true;
        }

        return model;
    }
}
