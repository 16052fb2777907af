using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

public sealed class GenerationTests
{
    [Fact]
    public void Generate_WhenGreedy_TakesTheLargestLogitOfEachStep()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        int[] prompt = [5, 9, 20];

        int[] made = [.. model.CreateSession(32).Generate(prompt, new GenerationOptions { MaxNewTokens = 6, StopTokens = [] })];

        int[] all = [.. prompt, .. made];
        float[] logits = TestModels.Run(model, all);
        for (int i = 0; i < made.Length; i++)
        {
            ReadOnlySpan<float> row = logits.AsSpan((prompt.Length + i - 1) * 64, 64);
            Assert.Equal(row.IndexOf(System.Numerics.Tensors.TensorPrimitives.Max(row)), made[i]);
        }
    }

    [Fact]
    public void Generate_WhenStopTokenIsDrawn_EndsWithoutIt()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        int[] free = [.. model.CreateSession(32).Generate([5, 9], new GenerationOptions { MaxNewTokens = 8, StopTokens = [] })];
        int stop = free[^1];

        int[] stopped = [.. model.CreateSession(32).Generate([5, 9], new GenerationOptions { MaxNewTokens = 8, StopTokens = [stop] })];

        Assert.Equal(free[..Array.IndexOf(free, stop)], stopped);
    }

    [Fact]
    public void Generate_WhenSessionIsFull_Ends()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(5);

        Assert.Equal(3, session.Generate([5, 9, 1], new GenerationOptions { StopTokens = [] }).Count());

        Assert.Equal(5, session.Position);
    }

    [Fact]
    public void Generate_WhenSeedIsTheSame_GivesTheSameTokens()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen3Moe);

        int[] Run(int seed) => [.. model.CreateSession(64).Generate(
            [5, 9, 1], new GenerationOptions { MaxNewTokens = 20, Temperature = 1, TopK = 20, TopP = 0.95f, Seed = seed, StopTokens = [] })];

        Assert.Equal(Run(1), Run(1));
        Assert.NotEqual(Run(1), Run(2));
    }

    [Fact]
    public async Task GenerateAsync_WhenCompared_GivesTheTokensOfGenerate()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        var options = new GenerationOptions { MaxNewTokens = 5, StopTokens = [] };
        int[] expected = [.. model.CreateSession(16).Generate([3, 4], options)];
        var made = new List<int>();

        await foreach (int token in model.CreateSession(16).GenerateAsync([3, 4], options))
        {
            made.Add(token);
        }

        Assert.Equal(expected, made);
    }

    [Fact]
    public async Task GenerateAsync_WhenCancelled_Stops()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        using var source = new CancellationTokenSource();
        IAsyncEnumerator<int> tokens = model.CreateSession(16).GenerateAsync([3, 4], new GenerationOptions { StopTokens = [] }, source.Token)
            .GetAsyncEnumerator(CancellationToken.None);
        Assert.True(await tokens.MoveNextAsync());

        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await tokens.MoveNextAsync());
    }

    [Fact]
    public async Task GenerateTextAsync_WhenVocabularyIsBytes_StreamsText()
    {
        DecoderSettings settings = FamilySettings.Create(ReferenceFamily.Mixtral) with { Vocabulary = 256 };
        using MoEModel model = TestModels.Load(SyntheticCheckpoint.Create(settings));
        int[] tokens = [.. model.CreateSession(64).Generate(model.Tokenizer!.Encode("Hello"), new GenerationOptions { MaxNewTokens = 30, StopTokens = [] })];
        string text = "";

        await foreach (string piece in model.CreateSession(64).GenerateTextAsync("Hello", new GenerationOptions { MaxNewTokens = 30, StopTokens = [] }))
        {
            text += piece;
        }

        Assert.Equal(model.Tokenizer.Decode(tokens), text);
    }

    [Fact]
    public void GenerateTextAsync_WhenModelHasNoTokenizer_SaysSo()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);

        Assert.Throws<ModelConfigurationException>(() => model.CreateSession(8).GenerateTextAsync("Hello"));
    }

    [Theory]
    [InlineData(0, 0f, 0, 1f, "MaxNewTokens (0)")]
    [InlineData(1, -1f, 0, 1f, "Temperature (-1)")]
    [InlineData(1, float.NaN, 0, 1f, "Temperature (NaN)")]
    [InlineData(1, 1f, -1, 1f, "TopK (-1)")]
    [InlineData(1, 1f, 0, 0f, "TopP (0)")]
    [InlineData(1, 1f, 0, 1.5f, "TopP (1.5)")]
    public void Generate_WhenOptionIsOutOfRange_NamesIt(int count, float temperature, int topK, float topP, string problem)
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        var options = new GenerationOptions { MaxNewTokens = count, Temperature = temperature, TopK = topK, TopP = topP };

        var e = Assert.Throws<RouterConfigurationException>(() => model.CreateSession(8).Generate([1], options));

        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Generate_WhenPromptIsEmptyOrNull_IsRefused()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);

        Assert.Throws<ArgumentNullException>(() => model.CreateSession(8).Generate(null!));
        Assert.Throws<RoutingValidationException>(() => model.CreateSession(8).Generate([]).First());
    }
}
