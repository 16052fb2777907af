using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using DynamicMoE.Tests.Support;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Tests.Monitoring;

public sealed class AlertWebhookTests
{
    private const string Secret = "0123456789abcdef";
    private readonly ManualClock _clock = new();
    private readonly LogCollector _log = new();
    private readonly WebhookCounts _counts = new();

    [Fact]
    public async Task Add_WhenTheReceiverTakesIt_PostsASignedBody()
    {
        using var receiver = StubReceiver.Of(204);
        using AlertWebhook webhook = Make(receiver, o => o.Secret = Secret);

        webhook.Add(Alert("a1"));
        StubReceiver.Request request = await receiver.Next();
        await webhook.DisposeAsync();

        Assert.Equal("POST", request.Method);
        Assert.Equal("https://alerts.test/hook/secret-path", request.Url.AbsoluteUri);
        Assert.Equal("application/json", request.ContentType);
        Assert.Equal("a1", request.Headers["webhook-id"]);
        string timestamp = request.Headers["webhook-timestamp"];
        Assert.Equal(_clock.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture), timestamp);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"a1.{timestamp}."), .. request.Body];
        byte[] expected = System.Security.Cryptography.HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), signed);
        Assert.Equal("v1," + Convert.ToBase64String(expected), request.Headers["webhook-signature"]);
        Assert.Equal(1, _counts.Delivered);

        using JsonDocument body = JsonDocument.Parse(request.Body);
        JsonElement data = body.RootElement.GetProperty("data");
        Assert.Equal("dynamicmoe.alert", body.RootElement.GetProperty("type").GetString());
        Assert.Equal(
            ["id", "router", "alert", "state", "value", "limit", "timestamp"], data.EnumerateObject().Select(property => property.Name));
        Assert.Equal("error_rate", data.GetProperty("alert").GetString());
        Assert.Equal("raised", data.GetProperty("state").GetString());
        Assert.Equal(0.5, data.GetProperty("value").GetDouble());
        Assert.Equal(_clock.GetUtcNow(), body.RootElement.GetProperty("timestamp").GetDateTimeOffset());
    }

    /// <summary>The example of the specification at standardwebhooks.com.</summary>
    [Fact]
    public void Of_WhenGivenThePublishedExample_GivesItsSignature()
    {
        Assert.True(WebhookSignature.TryKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", out byte[] key));

        string signature = WebhookSignature.Of(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"u8);

        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", signature);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("0123456789abcde", false)]
    [InlineData("0123456789abcdef", true)]
    [InlineData("whsec_not base64 at all!", false)]
    [InlineData("whsec_AAAA", false)]
    public void TryKey_WhenASecretIsShortOrDamaged_SaysSo(string secret, bool valid) => Assert.Equal(valid, WebhookSignature.TryKey(secret, out _));

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(429)]
    [InlineData(408)]
    public async Task Add_WhenTheReceiverIsBusy_TriesAgainAfterGrowingWaits(int status)
    {
        using var receiver = StubReceiver.Of(status, status, 200);
        using AlertWebhook webhook = Make(receiver, _ => { });
        webhook.Add(Alert("a1"));

        StubReceiver.Request first = await receiver.Next();
        await BackOff();
        StubReceiver.Request second = await receiver.Next();
        await BackOff();
        StubReceiver.Request third = await receiver.Next();
        await webhook.DisposeAsync();

        Assert.Equal(3, receiver.Count);
        Assert.Equal(first.Body, third.Body);
        Assert.Equal("a1", second.Headers["webhook-id"]);
        Assert.True(long.Parse(third.Headers["webhook-timestamp"]) > long.Parse(first.Headers["webhook-timestamp"]));
        Assert.Equal((1L, 0L, 0L), (_counts.Delivered, _counts.Failed, _counts.Dropped));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(404)]
    [InlineData(302)]
    public async Task Add_WhenTheReceiverRefuses_GivesUpAtOnce(int status)
    {
        using var receiver = StubReceiver.Of(status);
        using AlertWebhook webhook = Make(receiver, _ => { });
        webhook.Add(Alert("a1"));
        await receiver.Next();
        await webhook.DisposeAsync();

        Assert.Equal(1, receiver.Count);
        Assert.Equal((0L, 1L, 0L), (_counts.Delivered, _counts.Failed, _counts.Dropped));
        string warning = Assert.Single(_log.Warnings);
        Assert.Contains($"alerts.test: status {status}", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-path", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Add_WhenEveryAttemptFails_GivesUpAndSendsTheNext()
    {
        using var receiver = new StubReceiver((request, _) => request < 3
            ? throw new HttpRequestException("no route to host")
            : Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)));
        using AlertWebhook webhook = Make(receiver, o => o.MaxAttempts = 3);
        webhook.Add(Alert("a1"));
        webhook.Add(Alert("a2"));

        for (int attempt = 0; attempt < 2; attempt++)
        {
            await receiver.Next();
            await BackOff();
        }

        Assert.Equal("a1", (await receiver.Next()).Headers["webhook-id"]);
        Assert.Equal("a2", (await receiver.Next()).Headers["webhook-id"]);
        await webhook.DisposeAsync();
        Assert.Equal((1L, 1L), (_counts.Delivered, _counts.Failed));
        Assert.Contains("no route to host", Assert.Single(_log.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Add_WhenTheReceiverAsksForAWait_WaitsThatLongWithinTheLimit()
    {
        using var receiver = new StubReceiver((request, _) => Task.FromResult(request == 0
            ? new HttpResponseMessage(HttpStatusCode.TooManyRequests) { Headers = { RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromHours(1)) } }
            : new HttpResponseMessage(HttpStatusCode.OK)));
        using AlertWebhook webhook = Make(receiver, o => o.MaxBackOff = TimeSpan.FromSeconds(30));
        webhook.Add(Alert("a1"));
        await receiver.Next();
        await _clock.UntilArmed();
        await _clock.UntilArmed();

        _clock.Advance(TimeSpan.FromSeconds(29.9));
        Assert.Equal(1, receiver.Count);
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        await receiver.Next();
        await webhook.DisposeAsync();

        Assert.Equal(1, _counts.Delivered);
    }

    [Fact]
    public async Task Add_WhenTheReceiverHangs_ReturnsAndDropsTheOldest()
    {
        using var receiver = new StubReceiver(async (_, stop) =>
        {
            await Task.Delay(Timeout.Infinite, stop);
            return new HttpResponseMessage(HttpStatusCode.OK);
        });
        using AlertWebhook webhook = Make(receiver, o => (o.QueueCapacity, o.MaxAttempts) = (3, 1));
        webhook.Add(Alert("a0"));
        Assert.Equal("a0", (await receiver.Next()).Headers["webhook-id"]);

        for (int i = 1; i <= 10; i++)
        {
            webhook.Add(Alert($"a{i}"));
        }

        Assert.Equal(7, _counts.Dropped);
        await _clock.UntilArmed();
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("a8", (await receiver.Next()).Headers["webhook-id"]);
        Assert.Equal(1, _counts.Failed);
        Assert.Contains("no answer within 00:00:10", string.Join('\n', _log.Warnings), StringComparison.Ordinal);
        Assert.Single(_log.Warnings, warning => warning.Contains("dropped", StringComparison.Ordinal));
        webhook.Dispose();
        await webhook.DisposeAsync();
        Assert.Equal(10, _counts.Dropped);
    }

    [Fact]
    public async Task DisposeAsync_WhenTheReceiverHangs_StopsAfterTheDrainTimeout()
    {
        using var receiver = new StubReceiver(async (_, stop) =>
        {
            await Task.Delay(Timeout.Infinite, stop);
            return new HttpResponseMessage(HttpStatusCode.OK);
        });
        using AlertWebhook webhook = Make(receiver, o => o.Timeout = TimeSpan.FromMinutes(5));
        webhook.Add(Alert("a0"));
        webhook.Add(Alert("a1"));
        await receiver.Next();
        await _clock.UntilArmed();

        Task disposal = webhook.DisposeAsync().AsTask();
        await _clock.UntilArmed();
        _clock.Advance(TimeSpan.FromSeconds(4));
        Assert.False(disposal.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await disposal;

        Assert.Equal(2, _counts.Dropped);
        webhook.Add(Alert("late"));
        Assert.Equal(3, _counts.Dropped);
        Assert.Equal(1, receiver.Count);
    }

    [Fact]
    public async Task Add_WhenTheLoggerThrows_SendsTheNext()
    {
        using var receiver = StubReceiver.Of(404, 204);
        using AlertWebhook webhook = Make(receiver, _ => { }, new ThrowingLogger());
        webhook.Add(Alert("a1"));
        webhook.Add(Alert("a2"));

        await receiver.Next();
        Assert.Equal("a2", (await receiver.Next()).Headers["webhook-id"]);
        await webhook.DisposeAsync();
        webhook.Add(Alert("late"));

        Assert.Equal((1L, 1L, 1L), (_counts.Delivered, _counts.Failed, _counts.Dropped));
    }

    // An attempt arms its timeout; a failed one then arms the wait.
    private async Task BackOff()
    {
        await _clock.UntilArmed();
        await _clock.UntilArmed();
        _clock.Advance(TimeSpan.FromMinutes(1));
    }

    private AlertWebhook Make(StubReceiver receiver, Action<WebhookOptions> configure, ILogger? logger = null)
    {
        var options = new WebhookOptions { Url = new Uri("https://alerts.test/hook/secret-path"), Handler = receiver };
        configure(options);
        MonitoringOptions valid = new MonitoringOptions { Name = "r1", Webhook = options, TimeProvider = _clock, Logger = logger ?? _log }.Validated(null);
        return new AlertWebhook(valid, "r1", _counts);
    }

    private MonitoringAlert Alert(string id) => new(id, "r1", AlertKind.ErrorRate, AlertState.Raised, 0.5, 0.05, _clock.GetUtcNow());
}
