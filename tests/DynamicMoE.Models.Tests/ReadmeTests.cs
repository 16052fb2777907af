using System.Text;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests;

public sealed class ReadmeTests
{
    // The lines of src/DynamicMoE.Models/README.md on a model of bytes.
    [Fact]
    public async Task Readme_WhenItsExampleRuns_StreamsTextUnderTheBudget()
    {
        using var directory = new TemporaryDirectory();
        SyntheticCheckpoint.Create(FamilySettings.Create(ReferenceFamily.Mixtral) with { Vocabulary = 256 }).Save(directory.Path);
        var text = new StringBuilder();

        using var model = MoEModel.Load(directory.Path);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });
        var session = model.CreateSession(maxPositions: 512);
        session.Quality = 0.75f;
        await foreach (string piece in session.GenerateTextAsync("The expert "))
            text.Append(piece);
        Assert.InRange(session.Total.MeanExpertsPerToken, 1, 2);
        model.UnpatchDynamicRouting();

        Assert.False(model.IsDynamic);
    }

    [Fact]
    public void Readme_WhenItsBatchRuns_GivesARowPerStep()
    {
        using var directory = new TemporaryDirectory();
        SyntheticCheckpoint.Create(FamilySettings.Create(ReferenceFamily.Mixtral) with { Vocabulary = 256 }).Save(directory.Path);
        using var model = MoEModel.Load(directory.Path);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });

        var greedy = new TokenSampler();
        MoESession[] sessions = [model.CreateSession(64), model.CreateSession(64)];
        sessions[1].ExpertsBudget = 1.5f;
        SequenceStep[] steps = [new(sessions[0], new[] { 84, 104, 101 }), new(sessions[1], new[] { 65 })];
        var logits = new float[steps.Length * model.Config.VocabularySize];
        var reports = new ForwardReport[steps.Length];
        model.ForwardBatch(steps, logits, reports);
        int next = greedy.Next(logits.AsSpan(0, model.Config.VocabularySize));
        ReadOnlySpan<float> experts = sessions[0].LastExpertsPerToken;
        ExpertUsageStats usage = model.MoELayers[0].Router.GetExpertUsageStats();

        Assert.InRange(next, 0, 255);
        Assert.Equal((3, 3, 1), (experts.Length, reports[0].Tokens, reports[1].Tokens));
        Assert.Equal(model.MoELayers.Count, model.MoELayers.Count(layer => layer.Router.GetExpertUsageStats().TotalRoutes > 0));
        Assert.Equal(1, usage.AvgUsagePerExpert.Sum(), 9);
    }
}
