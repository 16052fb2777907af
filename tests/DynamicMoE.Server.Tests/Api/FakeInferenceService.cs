using System.Runtime.CompilerServices;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server.Tests;

/// <summary>A service without a model. Layer 0: 4 experts, 3 values per token, runs; layer 1: the same, but only routes. A token of values x goes to the experts 1 and 3;
/// its output is 2x.</summary>
internal sealed class FakeInferenceService : IInferenceService
{
    private int _calls;

    /// <summary>Requests that came this far.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public ServiceState State => ServiceState.Running;

    public ServedModelInfo Info { get; set; } = new()
    {
        Name = "tiny/moe",
        Loaded = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000),
        Family = "olmoe",
        Format = WeightFormat.BFloat16,
        Hash = new ModelHash(7),
        Layers = [new(0, 3, 4, 1, 4, 2, true), new(1, 3, 4, 1, 4, 2, false)],
        Generates = true,
        MaxPositions = 64,
    };

    /// <summary>Takes the place of the model between a request's check and its queueing, once; null: none.</summary>
    public ServedModelInfo? Next { get; set; }

    /// <summary>What a call throws before it is queued; null: nothing.</summary>
    public Exception? Refusal { get; set; }

    /// <summary>Thrown after this many tokens of a generation; null: never.</summary>
    public (int Tokens, Exception Error)? Breaks { get; set; }

    /// <summary>Overload's ceiling.</summary>
    public double? Ceiling { get; set; }

    /// <summary>Texts that are generated.</summary>
    public string[] Pieces { get; set; } = ["He", "llo", "", "\n\"<\u20ac"];

    /// <summary>What a generation waits for after its first token; null: nothing.</summary>
    public TaskCompletionSource? Gate { get; set; }

    /// <summary>Set when a generation was cancelled.</summary>
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LayerRequest? LastLayer { get; private set; }

    public GenerationRequest? LastGeneration { get; private set; }

    public string? LastReload { get; private set; }

    public Exception? ReloadFailure { get; set; }

    public ServedModelInfo Model => Refusal is ServiceUnavailableException { State: ServiceState.Starting } starting ? throw starting : Info;

    public bool Frozen { get; set; }

    public Task WaitUntilReadyAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public void ThrowIfUnavailable()
    {
        if (Refusal is ServiceUnavailableException)
        {
            throw Refusal;
        }
    }

    public Task<LayerReply> RouteAsync(LayerRequest request, CancellationToken cancellationToken = default) => Task.FromResult(Reply(request, forward: false));

    public Task<LayerReply> ForwardAsync(LayerRequest request, CancellationToken cancellationToken = default) => Task.FromResult(Reply(request, forward: true));

    public IAsyncEnumerable<GenerationUpdate> GenerateAsync(GenerationRequest request, CancellationToken cancellationToken = default)
    {
        Enter();
        RequireServed(request.Model);
        LastGeneration = request;
        return GenerateCoreAsync(cancellationToken);
    }

    public ServiceStats GetStats() => new()
    {
        State = State,
        Model = Info.Name,
        UptimeSeconds = 1.5,
        Frozen = Frozen,
        Requests = new(5, 4, 0, 1, 2),
        Queue = new(1, 2, 1024, 0, 3, 9, 200, 1, 1.5),
        Budget = new(1.5, 1.5, double.NaN, "budget", true, "ok"),
        Layers = [new(0, [0.25, 0.25, 0.25, 0.25], 100, 2, 1.5, 9)],
        ExpertsPerToken = [0, 4, 5],
        Latency = new(0, double.NaN, double.NaN, double.NaN),
        CircuitBreaker = CircuitBreakerState.HalfOpen,
        Guardrail = new(3, 0.1, double.NaN, null),
    };

    public double Feedback(double performanceScore)
    {
        Enter();
        return 0.5 - performanceScore;
    }

    public int ClearCache() => 12;

    public Task ReloadModelAsync(string? path = null, CancellationToken cancellationToken = default)
    {
        LastReload = path;
        return ReloadFailure is null ? Task.CompletedTask : Task.FromException(ReloadFailure);
    }

    private async IAsyncEnumerable<GenerationUpdate> GenerateCoreAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (int i = 0; i < Pieces.Length; i++)
        {
            if (Breaks is { } breaks && breaks.Tokens == i)
            {
                throw breaks.Error;
            }

            if (i == 1 && Gate is not null)
            {
                try
                {
                    await Gate.Task.WaitAsync(cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    _ = Cancelled.TrySetResult();
                    throw;
                }
            }

            FinishReason? finish = i == Pieces.Length - 1 ? FinishReason.Length : null;
            yield return new GenerationUpdate(10 + i, Pieces[i], 1 + (i % 2), finish) { PromptTokens = 3, ExpertsCeiling = Ceiling };
        }
    }

    private LayerReply Reply(LayerRequest request, bool forward)
    {
        Enter();
        RequireServed(request.Model);
        LastLayer = request;
        bool routing = !forward || request.IncludeRouting;
        int tokens = request.Tokens;
        return new LayerReply
        {
            Tokens = tokens,
            Output = forward ? Array.ConvertAll(request.Hidden.ToArray(), x => 2 * x) : [],
            Slots = routing ? 2 : 0,
            ExpertIndices = routing ? [.. Enumerable.Range(0, 2 * tokens).Select(i => i % 2 == 0 ? 1 : 3)] : [],
            ExpertWeights = routing ? [.. Enumerable.Range(0, 2 * tokens).Select(i => i % 2 == 0 ? 0.75f : 0.25f)] : [],
            ExpertsPerToken = routing ? [.. Enumerable.Repeat(2, tokens)] : [],
            ComplexityScores = routing ? [.. Enumerable.Repeat(0.5f, tokens)] : [],
            RouterLogits = !forward && request.IncludeLogits ? [.. Enumerable.Range(0, 4 * tokens).Select(i => (float)i)] : [],
            MeanExpertsPerToken = 1.75,
            BatchTokens = tokens + 1,
            ExpertsCeiling = Ceiling,
            Waited = TimeSpan.FromMicroseconds(250),
        };
    }

    private void RequireServed(ServedModelInfo? asked)
    {
        (Info, Next) = (Next ?? Info, null);
        if (asked is not null && !ReferenceEquals(asked, Info))
        {
            throw new ModelExchangedException($"{Info.Name} is served");
        }
    }

    private void Enter()
    {
        _ = Interlocked.Increment(ref _calls);
        if (Refusal is not null)
        {
            throw Refusal;
        }
    }
}
