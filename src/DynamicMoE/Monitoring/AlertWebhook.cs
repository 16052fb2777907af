using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace DynamicMoE;

/// <summary>
/// Sends alerts one after the other from a bounded queue, on threads of the pool. Whoever adds an alert never waits: with a full queue the oldest is dropped.
/// What fails in the network, times out or is answered with 408, 425, 429 or 5xx is tried again with growing waits.
/// </summary>
internal sealed class AlertWebhook : IAsyncDisposable, IDisposable
{
    private readonly WebhookOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger? _logger;
    private readonly byte[]? _key;
    private readonly HttpMessageInvoker _http;
    private readonly Channel<MonitoringAlert> _queue;
    private readonly ResiliencePipeline<Answer> _retry;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _worker;
    private readonly KeyValuePair<string, object?> _router;
    private readonly WebhookCounts _counts;

    internal AlertWebhook(MonitoringOptions options, string tag, WebhookCounts counts)
    {
        _options = options.Webhook!;
        _counts = counts;
        _time = options.TimeProvider;
        _logger = options.Logger;
        _router = MonitoringInstruments.Router(tag);
        _key = _options.Secret is { } secret && WebhookSignature.TryKey(secret, out byte[] key) ? key : null;
        _http = new HttpMessageInvoker(_options.Handler ?? OwnHandler(), disposeHandler: _options.Handler is null);
        _queue = Channel.CreateBounded<MonitoringAlert>(
            new BoundedChannelOptions(_options.QueueCapacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, Drop);
        _retry = Retry();

        // Not on the creator's context: nothing here belongs to a request that happens to build a router.
        using (ExecutionContext.SuppressFlow())
        {
            _worker = Task.Run(RunAsync);
        }
    }

    /// <summary>Adds an alert; returns at once.</summary>
    internal void Add(MonitoringAlert alert)
    {
        if (!_queue.Writer.TryWrite(alert))
        {
            Drop(alert);
        }
    }

    /// <summary>Stops at once; what waits is dropped and counted.</summary>
    public void Dispose()
    {
        _queue.Writer.TryComplete();
        _stop.Cancel();
    }

    /// <summary>Sends what waits, as long as the options allow, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        try
        {
            await _worker.WaitAsync(_options.DrainTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // What is left is dropped and counted by the worker.
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _worker.ConfigureAwait(false);
    }

    private static SocketsHttpHandler OwnHandler() => new()
    {
        // A signed body must not follow a redirect to another host.
        AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    };

    private ResiliencePipeline<Answer> Retry()
    {
        var builder = new ResiliencePipelineBuilder<Answer> { TimeProvider = _time };
        return _options.MaxAttempts == 1 ? ResiliencePipeline<Answer>.Empty : builder
            .AddRetry(new RetryStrategyOptions<Answer>
            {
                MaxRetryAttempts = _options.MaxAttempts - 1,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = _options.BackOff,
                MaxDelay = _options.MaxBackOff,
                ShouldHandle = static attempt => new ValueTask<bool>(attempt.Outcome.Result.Again),
                DelayGenerator = attempt => new ValueTask<TimeSpan?>(
                    attempt.Outcome.Result.RetryAfter is { } asked && asked > TimeSpan.Zero ? Min(asked, _options.MaxBackOff) : null),
            })
            .Build();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (MonitoringAlert alert in _queue.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
            {
                await SendAsync(alert).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            while (_queue.Reader.TryRead(out MonitoringAlert? alert))
            {
                Drop(alert);
            }
        }
        finally
        {
            _http.Dispose();
        }
    }

    private async Task SendAsync(MonitoringAlert alert)
    {
        byte[] body = AlertJson.Write(alert);
        Answer last;
        try
        {
            last = await _retry.ExecuteAsync(
                static (state, stop) => state.Webhook.TryAsync(state.Alert, state.Body, stop), (Webhook: this, Alert: alert, Body: body), _stop.Token)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Drop(alert);
            throw;
        }

        if (last.Taken)
        {
            Count(ref _counts.Delivered, "delivered");
            return;
        }

        Count(ref _counts.Failed, "failed");

        // Paths of webhooks are often secrets.
        Tell(logger => Log.WebhookFailed(logger, AlertJson.Name(alert.Alert), alert.Router, _options.Url!.Host, last.Reason));
    }

    private async ValueTask<Answer> TryAsync(MonitoringAlert alert, byte[] body, CancellationToken stop)
    {
        using var timeout = new CancellationTokenSource(_options.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        try
        {
            using HttpRequestMessage request = Request(alert, body);
            using HttpResponseMessage response = await _http.SendAsync(request, either.Token).ConfigureAwait(false);
            return Answer.Of(response);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException)
        {
            return new Answer(false, true, $"no answer within {_options.Timeout}", null);
        }
        catch (Exception error)
        {
            return new Answer(false, true, error.Message, null);
        }
    }

    private HttpRequestMessage Request(MonitoringAlert alert, byte[] body)
    {
        long now = _time.GetUtcNow().ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, _options.Url)
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        request.Headers.Add("webhook-id", alert.Id);
        request.Headers.Add("webhook-timestamp", now.ToString(CultureInfo.InvariantCulture));
        if (_key is not null)
        {
            request.Headers.Add("webhook-signature", WebhookSignature.Of(_key, alert.Id, now, body));
        }

        return request;
    }

    private void Drop(MonitoringAlert alert)
    {
        if (Count(ref _counts.Dropped, "dropped") == 1)
        {
            Tell(logger => Log.WebhookDropped(logger, AlertJson.Name(alert.Alert), alert.Router, _options.QueueCapacity));
        }
    }

    private long Count(ref long counter, string result)
    {
        long count = Interlocked.Increment(ref counter);
        Quietly(() => MonitoringInstruments.WebhookAlerts.Add(1, _router, new KeyValuePair<string, object?>("result", result)));
        return count;
    }

    private void Tell(Action<ILogger> message) => Quietly(() =>
    {
        if (_logger is not null)
        {
            message(_logger);
        }
    });

    // A logger or a metrics listener of the host that throws must not stop the alerts behind this one.
    private static void Quietly(Action call)
    {
        try
        {
            call();
        }
        catch (Exception)
        {
            // It fails itself; there is nobody left to tell.
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>What came of an attempt.</summary>
    /// <param name="Taken">Whether the receiver took the alert.</param>
    /// <param name="Again">Whether another attempt may do better.</param>
    /// <param name="Reason">Why it was not taken.</param>
    /// <param name="RetryAfter">Wait that the receiver asked for.</param>
    private readonly record struct Answer(bool Taken, bool Again, string Reason, TimeSpan? RetryAfter)
    {
        internal static Answer Of(HttpResponseMessage response)
        {
            var status = (int)response.StatusCode;
            bool again = response.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or (HttpStatusCode)425 || status >= 500;
            return new Answer(
                response.IsSuccessStatusCode, again, string.Create(CultureInfo.InvariantCulture, $"status {status}"), response.Headers.RetryAfter?.Delta);
        }
    }
}
