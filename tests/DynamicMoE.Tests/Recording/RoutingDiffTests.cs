using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.Tests.Recording;

public sealed class RoutingDiffTests
{
    [Fact]
    public void Compare_WhenRunsAreTheSame_SaysSo()
    {
        RoutingDiffReport report = Compare(Records.Make(), Records.Make());

        Assert.True(report.Identical);
        Assert.Equal((13, 0, 0), (report.Tokens, report.TokensOnlyInFirst, report.TokensOnlyInSecond));
        Assert.All(report.Layers, layer => Assert.Equal((0, 0, layer.SecondRoutes), (layer.ExpertsDiffer, layer.WeightsDiffer, layer.FirstRoutes)));
        Assert.Equal([1, 4], report.Layers.Select(layer => layer.Layer));
    }

    [Fact]
    public void Compare_WhenAnExpertDiffers_NamesTheEarliestTokenAndItsLowestLayer()
    {
        // Token 3 of the first pass differs in the second layer, token 4 in the first layer: token 3 comes first.
        byte[] first = Records.Make(change: (pass, layer, routes) => Set(pass, layer, routes, other: false));
        byte[] second = Records.Make(change: (pass, layer, routes) => Set(pass, layer, routes, other: true));

        RoutingDiffReport report = Compare(first, second);

        Assert.False(report.Identical);
        Assert.Null(report.FirstWeights);
        RoutingDivergence at = report.FirstExperts!;
        Assert.Equal((3, 3, 3, 4), (at.Token, at.Position, at.TokenId, at.Layer));
        Assert.Equal([5], at.FirstExperts);
        Assert.Equal([6], at.SecondExperts);
        Assert.Equal([0.5f], at.FirstWeights);
        Assert.Equal([1, 1], report.Layers.Select(layer => layer.ExpertsDiffer));
    }

    [Fact]
    public void Compare_WhenOnlyWeightsDiffer_TellsByHowMuch()
    {
        byte[] first = Records.Make(change: (pass, layer, routes) => Set(pass, layer, routes, other: false));
        byte[] second = Records.Make(change: (pass, layer, routes) =>
        {
            Set(pass, layer, routes, other: false);
            if (pass == 2 && layer == 0)
            {
                routes.ExpertsPerToken[6] = 1;
                routes.ExpertIndices[18] = 0;
                routes.ExpertWeights[18] = 0.75f;
            }
        });
        byte[] half = Records.Make(change: (pass, layer, routes) =>
        {
            Set(pass, layer, routes, other: false);
            if (pass == 2 && layer == 0)
            {
                routes.ExpertsPerToken[6] = 1;
                routes.ExpertIndices[18] = 0;
                routes.ExpertWeights[18] = 0.5f;
            }
        });

        RoutingDiffReport report = Compare(half, second);

        Assert.Null(report.FirstExperts);
        Assert.Equal((12, 6, 2006, 1), (report.FirstWeights!.Token, report.FirstWeights.Position, report.FirstWeights.TokenId, report.FirstWeights.Layer));
        Assert.Equal((1, 0.25), (report.Layers[0].WeightsDiffer, report.Layers[0].LargestWeightDifference));
        Assert.True(Compare(first, first).Identical);
    }

    [Fact]
    public void Compare_WhenPassesAreCutDifferently_ComparesTokens()
    {
        byte[] whole = OneLayer([[1, 2, 3, 4]]);

        RoutingDiffReport report = Compare(whole, OneLayer([[1], [2, 3], [4]]));

        Assert.True(report.Identical);
        Assert.Equal(4, report.Tokens);
    }

    [Fact]
    public void Compare_WhenInputsPart_StopsThereAndCountsTheRest()
    {
        RoutingDiffReport report = Compare(OneLayer([[1, 2, 3], [4]]), OneLayer([[1], [2], [9], [4], [5]]));

        Assert.Equal(new InputDivergence(2, 2, 2, 3, 9), report.Input);
        Assert.Equal((2, 2, 3), (report.Tokens, report.TokensOnlyInFirst, report.TokensOnlyInSecond));
        Assert.Null(report.FirstExperts);
    }

    [Fact]
    public void Compare_WhenOneRunIsShorter_CountsTheRest()
    {
        RoutingDiffReport report = Compare(OneLayer([[1, 2, 3]]), OneLayer([[1]]));

        Assert.Equal((1, 2, 0, false), (report.Tokens, report.TokensOnlyInFirst, report.TokensOnlyInSecond, report.Identical));
        Assert.Null(report.Input);
    }

    [Fact]
    public void Compare_WhenLayersDiffer_NamesBoth()
    {
        var e = Assert.Throws<RoutingValidationException>(() => Compare(Records.Make(), OneLayer([[1]])));

        Assert.Contains("2 layers with 8/300 experts", e.Message, StringComparison.Ordinal);
        Assert.Contains("1 layers with 4 experts", e.Message, StringComparison.Ordinal);
    }

    private static void Set(int pass, int layer, RoutingBuffers routes, bool other)
    {
        int token = layer == 1 ? 3 : 4;
        if (pass == 0)
        {
            routes.ExpertsPerToken[token] = 1;
            routes.ExpertIndices[token * 3] = other ? 6 : 5;
            routes.ExpertWeights[token * 3] = 0.5f;
        }
    }

    // The decisions follow from the token alone.
    private static byte[] OneLayer(int[][] passes)
    {
        using var stream = new MemoryStream();
        using var writer = new RoutingRecordWriter(stream, Records.Header with { Layers = [new RecordedLayer(0, 4)] });
        int position = 0;
        foreach (int[] tokens in passes)
        {
            var routes = new RoutingBuffers(tokens.Length, 1, 4, withLogits: false);
            for (int i = 0; i < tokens.Length; i++)
            {
                routes.ExpertsPerToken[i] = 1;
                routes.ExpertIndices[i] = tokens[i] % 4;
                routes.ExpertWeights[i] = (float)new SeededRandom((ulong)tokens[i]).NextDouble();
            }

            writer.BeginPass(tokens, position);
            writer.Add(0, routes);
            position += tokens.Length;
        }

        writer.Complete();
        return stream.ToArray();
    }

    private static RoutingDiffReport Compare(byte[] first, byte[] second)
    {
        using RoutingRecordReader a = Records.Open(first);
        using RoutingRecordReader b = Records.Open(second);
        return RoutingDiff.Compare(a, b);
    }
}
