using DynamicMoE.ServiceLoad.Http;
using DynamicMoE.ServiceLoad.Service;

namespace DynamicMoE.ServiceLoad.Load;

/// <summary>Requests that are made once and sent many times: small forwards, completions, streams of completions.</summary>
internal sealed class CallPool
{
    private const int Dim = 192, MostTokens = 16, MostPrompt = 48, MostAnswer = 24;

    private readonly ForwardCall[] _forwards;
    private readonly CompletionCall[] _completions;

    /// <param name="seed">Of their values.</param>
    /// <param name="size">Forwards, and as many completions.</param>
    public CallPool(int seed, int size)
    {
        var random = new Random(seed);
        _forwards = [.. Enumerable.Range(0, size).Select(_ => ForwardCall.Random(random, random.Next(1, MostTokens + 1), Dim))];
        _completions =
        [
            .. Enumerable.Range(0, size).Select(i => CompletionCall.Random(random, random.Next(8, MostPrompt + 1), random.Next(8, MostAnswer + 1), stream: i % 2 == 0)),
        ];
    }

    /// <summary>Seven of ten are forwards.</summary>
    public Call Pick(Random random) =>
        random.Next(10) < 7 ? _forwards[random.Next(_forwards.Length)] : _completions[random.Next(_completions.Length)];

    public ForwardCall Forward(int index) => _forwards[index];

    /// <summary>Asks an idle service for the answers that later ones are compared with.</summary>
    public async Task LearnAsync(ServiceProcess service, CancellationToken cancellation)
    {
        using Connection connection = await Connection.OpenAsync(service.Api, cancellation);
        foreach (ForwardCall call in _forwards)
        {
            await call.LearnAsync(connection, cancellation);
        }
    }
}
