using System.Net;
using System.Threading.Channels;

namespace DynamicMoE.Tests.Support;

/// <summary>Receives requests in the process and answers as a test says.</summary>
/// <param name="answer">Answers the request of a number, from 0 on.</param>
internal sealed class StubReceiver(Func<int, CancellationToken, Task<HttpResponseMessage>> answer) : HttpMessageHandler
{
    private readonly Channel<Request> _requests = Channel.CreateUnbounded<Request>();
    private int _count;

    /// <summary>Answers with statuses in turn; the last one again and again.</summary>
    public static StubReceiver Of(params int[] statuses) => new((request, _) =>
        Task.FromResult(new HttpResponseMessage((HttpStatusCode)statuses[Math.Min(request, statuses.Length - 1)])));

    public int Count => Volatile.Read(ref _count);

    /// <summary>The next request, once it has come. One that never comes fails the test instead of stopping the run.</summary>
    public async Task<Request> Next() => await _requests.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        byte[] body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
        int number = Interlocked.Increment(ref _count) - 1;
        await _requests.Writer.WriteAsync(
            new Request(
                request.Method.Method,
                request.RequestUri!,
                request.Headers.ToDictionary(h => h.Key, h => string.Join(",", h.Value), StringComparer.OrdinalIgnoreCase),
                request.Content.Headers.ContentType?.ToString(),
                body),
            cancellationToken);
        return await answer(number, cancellationToken);
    }

    public sealed record Request(string Method, Uri Url, IReadOnlyDictionary<string, string> Headers, string? ContentType, byte[] Body);
}
