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
}
