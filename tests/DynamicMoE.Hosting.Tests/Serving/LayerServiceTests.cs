using Microsoft.Extensions.DependencyInjection;

namespace DynamicMoE.Hosting.Tests.Serving;

[Collection(Registration.NativeMemory.Name)]
public sealed class LayerServiceTests : IDisposable
{
    private readonly GatedExperts _experts = new();

    public void Dispose() => _experts.Dispose();

    [Fact]
    public async Task Forward_WhenTheServiceIsIdle_IsAnsweredAsTheLayerAnswers()
    {
        await using ServiceUnderTest host = await StartAsync();
        LayerRequest request = GatedExperts.Request(2, tokens: 3);

        LayerReply reply = await host.Service.ForwardAsync(request);

        Assert.Equal((3, 3, 3 * GatedExperts.Dim), (reply.Tokens, reply.BatchTokens, reply.Output.Length));
        Assert.All(reply.Output, value => Assert.Equal(2, value, 1e-5));
        Assert.Empty(reply.ExpertIndices);
        Assert.InRange(reply.MeanExpertsPerToken, 1, 4);
        Assert.Equal(new RequestStats(1, 1, 0, 0, 0), host.Service.GetStats().Requests);
    }

    [Fact]
    public async Task Forward_WhenABufferIsGiven_IsWrittenThere()
    {
        await using ServiceUnderTest host = await StartAsync();
        var output = new float[GatedExperts.Dim];

        LayerReply reply = await host.Service.ForwardAsync(new LayerRequest { Hidden = GatedExperts.Request(3).Hidden, Tokens = 1, OutputBuffer = output, IncludeRouting = true });

        Assert.Empty(reply.Output);
        Assert.All(output, value => Assert.Equal(3, value, 1e-5));
        Assert.Equal(4, reply.ExpertIndices.Length);
    }

    [Fact]
    public async Task Requests_WhenOneIsRunning_ShareTheNextBatch()
    {
        await using ServiceUnderTest host = await StartAsync();
        _experts.Close();
        Task<LayerReply> first = Task.Run(() => host.Service.ForwardAsync(GatedExperts.Request(1)));
        await _experts.EnteredAsync();
        Task<LayerReply>[] others = [.. Enumerable.Range(2, 3).Select(value => host.Service.ForwardAsync(GatedExperts.Request(value, tokens: 2)))];

        Assert.Equal((3, 6L), (host.Service.GetStats().Queue.Requests, host.Service.GetStats().Queue.Tokens));
        _experts.Open();
        LayerReply[] replies = await Task.WhenAll(others);

        Assert.Equal(1, (await first).BatchTokens);
        Assert.All(replies, reply => Assert.Equal(6, reply.BatchTokens));
        Assert.Equal([2f, 3f, 4f], replies.Select(reply => MathF.Round(reply.Output[^1], 3)));
    }

    [Fact]
    public async Task Cancellation_WhenTheRequestWaits_GivesItsPlaceBack()
    {
        await using ServiceUnderTest host = await StartAsync();
        _experts.Close();
        Task<LayerReply> first = Task.Run(() => host.Service.ForwardAsync(GatedExperts.Request()));
        await _experts.EnteredAsync();
        using var cancel = new CancellationTokenSource();
        Task<LayerReply> second = host.Service.ForwardAsync(GatedExperts.Request(), cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Equal(0, host.Service.GetStats().Queue.Requests);
        _experts.Open();
        await first;
        Assert.Equal(new RequestStats(2, 1, 0, 1, 0), host.Service.GetStats().Requests);
    }

    [Fact]
    public async Task Cancellation_WhenTheBatchRuns_LeavesTheCallersBufferAlone()
    {
        await using ServiceUnderTest host = await StartAsync();
        _experts.Close();
        using var cancel = new CancellationTokenSource();
        var output = new float[GatedExperts.Dim];
        Task<LayerReply> request = Task.Run(() => host.Service.ForwardAsync(
            new LayerRequest { Hidden = GatedExperts.Request(5).Hidden, Tokens = 1, OutputBuffer = output }, cancel.Token));
        await _experts.EnteredAsync();
        await cancel.CancelAsync();
        _experts.Open();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await host.StopAsync();
        Assert.All(output, value => Assert.Equal(0, value));
    }

    [Fact]
    public async Task Batch_WhenOneRequestIsToBlame_FailsThatOneOnly()
    {
        await using ServiceUnderTest host = await StartAsync();
        _experts.Poison = 7;
        _experts.Close();
        Task<LayerReply> first = Task.Run(() => host.Service.ForwardAsync(GatedExperts.Request()));
        await _experts.EnteredAsync();
        Task<LayerReply> good = host.Service.ForwardAsync(GatedExperts.Request(2));
        Task<LayerReply> bad = host.Service.ForwardAsync(GatedExperts.Request(7));
        _experts.Open();

        await Assert.ThrowsAsync<ExpertDispatchException>(() => bad);
        Assert.Equal(2, (await good).Output[0], 1e-5);
        await first;
        Assert.Equal(new RequestStats(3, 2, 1, 0, 0), host.Service.GetStats().Requests);
    }

    [Fact]
    public async Task Queue_WhenItFills_TakesExpertsStepByStepAndThenRefuses()
    {
        await using ServiceUnderTest host = await StartAsync("serving: {queue_capacity: 4, high_water: 0.5, overload_steps: 2, batch_delay_us: 0}");
        _experts.Close();
        Task<LayerReply> first = Task.Run(() => host.Service.ForwardAsync(GatedExperts.Request()));
        await _experts.EnteredAsync();
        var levels = new List<(int, double?)>();
        var waiting = new List<Task<LayerReply>>();
        for (int i = 0; i < 4; i++)
        {
            waiting.Add(host.Service.ForwardAsync(GatedExperts.Request()));
            QueueStats queue = host.Service.GetStats().Queue;
            levels.Add((queue.OverloadLevel, queue.ExpertsCeiling));
        }

        Assert.Equal([(0, null), (1, 2.0), (2, 1.0), (2, 1.0)], levels);
        ServiceUnavailableException refused = await Assert.ThrowsAsync<ServiceUnavailableException>(() => host.Service.ForwardAsync(GatedExperts.Request()));
        Assert.Equal(ServiceState.Running, refused.State);
        Assert.InRange(refused.RetryAfter.TotalSeconds, 1, 60);
        Assert.Contains("4 of 4 requests", refused.Message, StringComparison.Ordinal);
        _experts.Open();
        LayerReply[] replies = await Task.WhenAll(waiting);
        await first;
        Assert.All(replies, reply => Assert.Equal((1.0, 1.0), (reply.ExpertsCeiling, reply.MeanExpertsPerToken)));
        Assert.Equal(new RequestStats(5, 5, 0, 0, 1), host.Service.GetStats().Requests);
        LayerReply after = await host.Service.ForwardAsync(GatedExperts.Request());
        Assert.Null(after.ExpertsCeiling);
        Assert.Equal(0, host.Service.GetStats().Queue.OverloadLevel);
    }

    [Fact]
    public async Task Queue_WhenItIsFull_RefusesBeforeARequestIsLookedAt()
    {
        await using ServiceUnderTest host = await StartAsync("serving: {queue_capacity: 1, batch_delay_us: 0}");
        host.Service.ThrowIfUnavailable();
        _experts.Close();
        Task<LayerReply> first = Task.Run(() => host.Service.ForwardAsync(GatedExperts.Request()));
        await _experts.EnteredAsync();
        Task<LayerReply> second = host.Service.ForwardAsync(GatedExperts.Request());

        Assert.Throws<ServiceUnavailableException>(host.Service.ThrowIfUnavailable);
        await Assert.ThrowsAsync<ServiceUnavailableException>(() => host.Service.ForwardAsync(new LayerRequest { Hidden = new float[1], Tokens = 99 }));
        Assert.Throws<ServiceUnavailableException>(() => host.Service.GenerateAsync(new GenerationRequest { Prompt = new string('x', 1 << 20) }));
        _experts.Open();
        await Task.WhenAll(first, second);
        Assert.Equal(new RequestStats(2, 2, 0, 0, 3), host.Service.GetStats().Requests);
        Assert.Throws<RoutingValidationException>(() => host.Service.GenerateAsync(new GenerationRequest { Prompt = "x" }));
    }

    [Fact]
    public async Task Stop_WhenRequestsWait_AnswersThemAndRefusesNewOnes()
    {
        await using ServiceUnderTest host = await StartAsync();
        _experts.Close();
        Task<LayerReply> first = Task.Run(() => host.Service.ForwardAsync(GatedExperts.Request()));
        await _experts.EnteredAsync();
        Task<LayerReply> second = host.Service.ForwardAsync(GatedExperts.Request());
        Task stop = host.StopAsync();
        while (host.Service.State == ServiceState.Running)
        {
            await Task.Yield();
        }

        ServiceUnavailableException refused = await Assert.ThrowsAsync<ServiceUnavailableException>(() => host.Service.ForwardAsync(GatedExperts.Request()));
        Assert.Equal(ServiceState.Draining, refused.State);
        _experts.Open();
        await Task.WhenAll(first, second, stop);
        Assert.Equal(ServiceState.Stopped, host.Service.State);
    }

    [Fact]
    public async Task Stop_WhenTimeIsOver_FailsWhatIsLeft()
    {
        await using ServiceUnderTest host = await StartAsync("serving: {drain_seconds: 0}");
        _experts.Close();
        Task<LayerReply> first = Task.Run(() => host.Service.ForwardAsync(GatedExperts.Request()));
        await _experts.EnteredAsync();
        Task<LayerReply> second = host.Service.ForwardAsync(GatedExperts.Request());
        Task stop = host.StopAsync();

        await Assert.ThrowsAsync<ServiceUnavailableException>(() => second);
        _experts.Open();
        await Task.WhenAll(first, stop);
    }

    [Fact]
    public async Task Dial_WhenRequestsOfABatchDiffer_HoldsForEachOfThem()
    {
        await using ServiceUnderTest host = await StartAsync();
        _experts.Router.Frozen = true;
        _experts.Close();
        Task<LayerReply> first = Task.Run(() => host.Service.ForwardAsync(GatedExperts.Request()));
        await _experts.EnteredAsync();
        Task<LayerReply> low = host.Service.RouteAsync(new LayerRequest { Hidden = GatedExperts.Request(1, 4).Hidden, Tokens = 4, Quality = 0 });
        Task<LayerReply> high = host.Service.RouteAsync(new LayerRequest { Hidden = GatedExperts.Request(1, 4).Hidden, Tokens = 4, ExpertsBudget = 4 });
        _experts.Open();

        Assert.Equal((1.0, 8), ((await low).MeanExpertsPerToken, (await low).BatchTokens));
        Assert.Equal(4.0, (await high).MeanExpertsPerToken);
        await first;
    }

    [Theory]
    [InlineData(1, 0, 7, null, null, "hidden has 7 values, 8 are needed: 1 tokens of 8.")]
    [InlineData(0, 0, 0, null, null, "tokens is 0, between 1 and 8192 is needed.")]
    [InlineData(1, 1, 8, null, null, "layer is 1, between 0 and 0 is needed.")]
    [InlineData(1, 0, 8, 1.5f, null, "quality is 1.5, between 0 and 1 is needed.")]
    [InlineData(1, 0, 8, null, 4.5, "experts_budget is 4.5, between 1 and 4 is needed.")]
    [InlineData(1, 0, 8, 0.5f, 2.0, "quality and experts_budget exclude each other.")]
    public async Task Request_WhenItDoesNotFit_IsRefusedBeforeTheQueue(int tokens, int layer, int values, float? quality, double? budget, string message)
    {
        await using ServiceUnderTest host = await StartAsync();
        var request = new LayerRequest { Layer = layer, Hidden = new float[values], Tokens = tokens, Quality = quality, ExpertsBudget = budget };

        Assert.Equal(message, (await Assert.ThrowsAsync<RoutingValidationException>(() => host.Service.RouteAsync(request))).Message);
        Assert.Equal(new RequestStats(0, 0, 0, 0, 0), host.Service.GetStats().Requests);
    }

    [Fact]
    public async Task Request_WhenAValueIsNotFinite_NamesItsPlace()
    {
        await using ServiceUnderTest host = await StartAsync();
        var hidden = new float[2 * GatedExperts.Dim];
        hidden[11] = float.NaN;

        Assert.Equal(
            "hidden is NaN at token 1, column 3; finite values are needed.",
            (await Assert.ThrowsAsync<RoutingValidationException>(() => host.Service.RouteAsync(new LayerRequest { Hidden = hidden, Tokens = 2 }))).Message);
    }

    [Fact]
    public async Task Feedback_WhenScoresFall_AsksForMoreExperts()
    {
        await using ServiceUnderTest host = await StartAsync("router: {adaptation_rate: 0.5}");

        Assert.Equal(0, host.Service.Feedback(0.9));
        Assert.Equal(0.2, host.Service.Feedback(0.5), 1e-9);
        Assert.Throws<RoutingValidationException>(() => host.Service.Feedback(1.5));
        host.Service.Frozen = true;
        Assert.Equal(0.2, host.Service.Feedback(0.1), 1e-9);
        Assert.True(_experts.Router.Frozen);
    }

    private Task<ServiceUnderTest> StartAsync(string yaml = "") =>
        ServiceUnderTest.StartAsync(yaml, moe => moe.Services.AddSingleton(_ => _experts.Layer));
}
