using DynamicMoE.Models;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Hosting.Tests.Serving;

[Collection(Registration.NativeMemory.Name)]
public sealed class GenerationServiceTests : IDisposable
{
    private static readonly int[] s_prompt = [3, 1, 4, 1, 5];

    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Sequences_WhenManyAreGeneratedAtOnce_AreThoseThatComeAlone()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder), "serving: {guardrail_rate: 0, max_batch_tokens: 7}");
        host.Service.Frozen = true;
        GenerationRequest[] requests =
        [
            .. Enumerable.Range(0, 6).Select(i => new GenerationRequest
            {
                PromptTokens = Enumerable.Range(1, 1 + (3 * i)).Select(t => t % 16).ToArray(),
                MaxTokens = 4 + i,
                Temperature = i % 2,
                Seed = (ulong)i,
                Quality = i == 3 ? 1 : null,
            }),
        ];
        var alone = new List<int[]>();
        foreach (GenerationRequest request in requests)
        {
            alone.Add(await TokensAsync(host.Service.GenerateAsync(request)));
        }

        int[][] together = await Task.WhenAll(requests.Select(request => TokensAsync(host.Service.GenerateAsync(request))));

        Assert.Equal(alone, together);
        Assert.Equal(12, host.Service.GetStats().Requests.Answered);
        Assert.Equal(0, host.Service.GetStats().Queue.Sequences);
    }

    [Fact]
    public async Task Sequence_WhenGreedy_IsTheModelsOwn()
    {
        string path = ServiceUnderTest.Checkpoint(_folder);
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(path, "serving: {guardrail_rate: 0}");
        host.Service.Frozen = true;
        using var model = MoEModel.Load(path);
        model.PatchDynamicRouting();
        model.Arbiter!.Frozen = true;

        List<GenerationUpdate> updates = await UpdatesAsync(host.Service.GenerateAsync(new GenerationRequest { PromptTokens = s_prompt, MaxTokens = 6, Temperature = 0 }));

        Assert.Equal(model.CreateSession().Generate(s_prompt, new GenerationOptions { MaxNewTokens = 6 }), updates.Select(update => update.TokenId));
        Assert.Equal(FinishReason.Length, updates[^1].FinishReason);
        Assert.All(updates, update => Assert.Equal((5, true), (update.PromptTokens, update.Experts is >= 1 and <= 2)));
        Assert.All(updates.SkipLast(1), update => Assert.Null(update.FinishReason));
        Assert.Equal(10, host.Service.GetStats().ExpertsPerToken.Sum());
    }

    [Fact]
    public async Task Sequence_WhenItsReaderLeaves_IsTakenOut()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder));
        await foreach (GenerationUpdate update in host.Service.GenerateAsync(new GenerationRequest { PromptTokens = s_prompt, MaxTokens = 50 }))
        {
            Assert.Null(update.FinishReason);
            break;
        }

        while (host.Service.GetStats() is { } stats && (stats.Queue.Sequences > 0 || stats.Requests.Cancelled == 0))
        {
            await Task.Yield();
        }

        Assert.Equal(new RequestStats(1, 0, 0, 1, 0), host.Service.GetStats().Requests);
    }

    [Fact]
    public async Task Quality_WhenItRises_RaisesTheExpertsOfTheSequence()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder), "serving: {guardrail_rate: 0}");
        double low = await MeanAsync(new GenerationRequest { PromptTokens = s_prompt, MaxTokens = 20, Quality = 0 });
        double high = await MeanAsync(new GenerationRequest { PromptTokens = s_prompt, MaxTokens = 20, Quality = 1 });

        Assert.Equal((1.0, 2.0), (low, high));

        async Task<double> MeanAsync(GenerationRequest request) =>
            (await UpdatesAsync(host.Service.GenerateAsync(request))).Where(update => update.TokenId >= 0).Average(update => update.Experts);
    }

    [Fact]
    public async Task Request_WhenItDoesNotFit_IsRefusedByTheCall()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder));
        int positions = host.Service.Model.MaxPositions;

        Refused(new GenerationRequest { PromptTokens = new int[positions] }, $"prompt tokens is {positions}, between 1 and {positions - 1} is needed.");
        Refused(new GenerationRequest { PromptTokens = s_prompt, MaxTokens = positions }, $"max_tokens is {positions}, between 1 and {positions - 5} is needed.");
        Refused(new GenerationRequest { PromptTokens = s_prompt, Temperature = 2.5f }, "temperature is 2.5, between 0 and 2 is needed.");
        Refused(new GenerationRequest { PromptTokens = s_prompt, TopP = 0 }, "top_p is 0, above 0, at most 1 is needed.");
        Refused(new GenerationRequest { PromptTokens = new int[] { 1, -3 } }, $"prompt[1] is -3, between 0 and {Vocabulary - 1} is needed.");
        Refused(new GenerationRequest { Prompt = "x", PromptTokens = s_prompt }, "prompt is given as text and as tokens; only one is possible.");
        Assert.Equal(0, host.Service.GetStats().Requests.Accepted);

        void Refused(GenerationRequest request, string message) =>
            Assert.Equal(message, Assert.Throws<RoutingValidationException>(() => host.Service.GenerateAsync(request)).Message);
    }

    [Fact]
    public async Task Layers_WhenAModelIsServed_AnswerAsItsBlocks()
    {
        string path = ServiceUnderTest.Checkpoint(_folder);
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(path, "serving: {guardrail_rate: 0}");
        host.Service.Frozen = true;
        using var model = MoEModel.Load(path);
        model.PatchDynamicRouting();
        model.Arbiter!.Frozen = true;
        int dim = model.Config.HiddenSize;
        float[] hidden = [.. Enumerable.Range(0, 3 * dim).Select(i => MathF.Sin(i))];
        var expected = new float[hidden.Length];
        _ = model.MoELayers[1].Forward(hidden, 3, expected);

        LayerReply reply = await host.Service.ForwardAsync(new LayerRequest { Layer = 1, Hidden = hidden, Tokens = 3 });

        Assert.Equal(expected, reply.Output);
    }

    [Fact]
    public async Task Layers_WhenACallersValuesOverflow_LoseNoExpert()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder), "serving: {guardrail_rate: 0}");
        int dim = host.Service.Model.Layers[0].HiddenSize;
        var huge = new LayerRequest { Hidden = Enumerable.Repeat(1e30f, dim).ToArray(), Tokens = 1 };

        for (int i = 0; i < 8; i++)
        {
            await Assert.ThrowsAsync<ExpertDispatchException>(() => host.Service.ForwardAsync(huge));
        }

        LayerReply reply = await host.Service.ForwardAsync(new LayerRequest { Hidden = Enumerable.Repeat(1f, dim).ToArray(), Tokens = 1, IncludeRouting = true });
        Assert.Equal(1, reply.Tokens);
        Assert.NotEmpty(await UpdatesAsync(host.Service.GenerateAsync(new GenerationRequest { PromptTokens = s_prompt, MaxTokens = 3 })));
    }

    [Fact]
    public async Task Layers_WhenTheirRouterCouldNotBeComposed_AreTriedAgain()
    {
        int failures = 1;
        string path = ServiceUnderTest.Checkpoint(_folder);
        await using ServiceUnderTest host = await ServiceUnderTest.StartAsync("", moe => moe.AddModel(path).ConfigureMonitoring(_ =>
        {
            if (failures-- > 0)
            {
                throw new InvalidOperationException("not yet");
            }
        }));
        float[] hidden = new float[host.Service.Model.Layers[0].HiddenSize];

        Assert.Equal("not yet", (await Assert.ThrowsAsync<InvalidOperationException>(() => host.Service.ForwardAsync(new LayerRequest { Hidden = hidden, Tokens = 1 }))).Message);
        Assert.Equal(1, (await host.Service.ForwardAsync(new LayerRequest { Hidden = hidden, Tokens = 1 })).Tokens);
    }

    [Fact]
    public async Task MaxTokens_WhenItIsAWish_IsCutToWhatFits()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder), "serving: {guardrail_rate: 0}");
        int positions = host.Service.Model.MaxPositions;
        var request = new GenerationRequest { PromptTokens = new int[positions - 3], MaxTokens = 16, CutToFit = true };

        Assert.InRange((await UpdatesAsync(host.Service.GenerateAsync(request))).Count, 1, 3);
    }

    [Fact]
    public async Task Sequences_WhenTheirMemoryIsReserved_AreRefusedUntilSomeIsFree()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(TestKit.Decoder.ReferenceFamily.Mixtral);
        checkpoint.Config["max_position_embeddings"] = 1_000_000;
        checkpoint.Save(_folder.Path);
        using var gate = new EngineGate();
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(_folder.Path, "serving: {guardrail_rate: 0, sequence_memory_mb: 1}");
        int positions = host.Service.Model.MaxPositions, half = (positions / 2) - 512;
        Assert.InRange(positions, 1024, 100_000);
        using CancellationTokenSource runs = new(), waits = new();
        gate.Close();
        Task<int[]> running = TokensAsync(host.Service.GenerateAsync(Long(), runs.Token));
        await gate.EnteredAsync();
        Task<int[]> waiting = TokensAsync(host.Service.GenerateAsync(Long(), waits.Token));

        ServiceUnavailableException refused = Assert.Throws<ServiceUnavailableException>(() => host.Service.GenerateAsync(Long()));
        Assert.Equal(ServiceState.Running, refused.State);
        Assert.Contains("of 1 MiB", refused.Message, StringComparison.Ordinal);
        Assert.InRange(refused.RetryAfter.TotalSeconds, 1, 60);

        // One that waits gives its memory back when its caller leaves, one that runs when the engine has noticed.
        await waits.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        using var third = new CancellationTokenSource();
        waiting = TokensAsync(host.Service.GenerateAsync(Long(), third.Token));
        await runs.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Throws<ServiceUnavailableException>(() => host.Service.GenerateAsync(Long()));
        await third.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        gate.Open();
        var whole = new GenerationRequest { PromptTokens = s_prompt, MaxTokens = positions - 5 };
        while (!Accepted(whole))
        {
            await Task.Yield();
        }

        GenerationRequest Long() => new() { PromptTokens = s_prompt, MaxTokens = half };

        bool Accepted(GenerationRequest request)
        {
            try
            {
                return host.Service.GenerateAsync(request, new CancellationToken(true)) is not null;
            }
            catch (ServiceUnavailableException)
            {
                return false;
            }
        }
    }

    private static int Vocabulary => SyntheticCheckpoint.Create(TestKit.Decoder.ReferenceFamily.Mixtral).Settings.Vocabulary;

    private static async Task<int[]> TokensAsync(IAsyncEnumerable<GenerationUpdate> updates) =>
        [.. (await UpdatesAsync(updates)).Select(update => update.TokenId)];

    private static async Task<List<GenerationUpdate>> UpdatesAsync(IAsyncEnumerable<GenerationUpdate> updates)
    {
        var list = new List<GenerationUpdate>();
        await foreach (GenerationUpdate update in updates)
        {
            list.Add(update);
        }

        return list;
    }
}
