using System.Globalization;
using System.Net;
using DynamicMoE.Hosting;
using DynamicMoE.TestKit.Checkpoints;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace DynamicMoE.Server.Tests.Security.Limits;

public sealed class CallerLimiterTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly MessageLog _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task Requests_WhenTheLimitIsReached_GetAProblemThatSaysWhen()
    {
        await using RunningServer server = await RunningServer.StartAsync(
            new ServerHostOptions { TimeProvider = _time }, "security.rate_limit=2", "security.rate_limit_loopback=true");
        for (int i = 1; i >= 0; i--)
        {
            using HttpResponseMessage taken = await server.Client.SendAsync(Answers.Get("/v1/hello"));
            Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
            Assert.Equal("\"hour\";q=2;w=3600", Assert.Single(taken.Headers.GetValues("RateLimit-Policy")));
            Assert.Equal($"\"hour\";r={i};t=3660", Assert.Single(taken.Headers.GetValues("RateLimit")));
        }

        using HttpResponseMessage refused = await server.Client.SendAsync(Answers.Get("/v1/hello"));
        Assert.Equal("rate_limited", await refused.ProblemAsync());
        Assert.Equal((HttpStatusCode.TooManyRequests, "3660"), (refused.StatusCode, refused.Headers.RetryAfter?.ToString()));
        Assert.Contains("frame-ancestors", Assert.Single(refused.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);

        _time.Advance(refused.Headers.RetryAfter!.Delta!.Value);
        Assert.Equal(HttpStatusCode.OK, await server.Client.StatusAsync(Answers.Get("/v1/hello")));
    }

    [Fact]
    public async Task Keys_WhenTheyHaveLimits_AreCountedByName()
    {
        using var folder = new TemporaryDirectory();
        string few = ApiKeyText.Create(), usual = ApiKeyText.Create(), free = ApiKeyText.Create();
        await File.WriteAllLinesAsync(
            folder["keys"], [ApiKeyText.Line("few", few, hourlyLimit: 1), ApiKeyText.Line("usual", usual), ApiKeyText.Line("free", free, hourlyLimit: 0)]);
        await using RunningServer server = await RunningServer.StartAsync(
            new ServerHostOptions { TimeProvider = _time }, "security.rate_limit=2", $"security.api_keys_file={folder["keys"]}");

        Assert.Equal("200 429 429", await StatusesAsync(few));
        Assert.Equal("200 200 429", await StatusesAsync(usual));
        Assert.Equal("200 200 200", await StatusesAsync(free));
        Assert.Equal("200 200 200", await StatusesAsync(null));

        async Task<string> StatusesAsync(string? key)
        {
            var statuses = new int[3];
            for (int i = 0; i < statuses.Length; i++)
                statuses[i] = (int)await server.Client.StatusAsync(key is null ? Answers.Get("/v1/hello") : Answers.Get("/v1/hello").WithKey(key));
            return string.Join(' ', statuses);
        }
    }

    [Fact]
    public void Limit_WhenZero_LetsEverythingPass()
    {
        CallerLimiter limiter = Create(0);

        Assert.All(Enumerable.Range(0, 100), _ => Assert.True(Take(limiter, "192.0.2.1")));
        Assert.Equal(0, limiter.Count);
    }

    [Fact]
    public void Addresses_WhenInOneIpv6Network_ShareALimit()
    {
        CallerLimiter limiter = Create(1);

        Assert.True(Take(limiter, "2001:db8::1"));
        Assert.False(Take(limiter, "2001:db8::ffff:1"));
        Assert.True(Take(limiter, "2001:db8:0:1::1"));
        Assert.True(Take(limiter, "192.0.2.1"));
        Assert.True(Take(limiter, "192.0.2.2"));
        Assert.False(Take(limiter, "::ffff:192.0.2.2"));
    }

    [Fact]
    public void Addresses_WhenMoreThanAreKeptApart_ShareALimitUntilSomeAreForgotten()
    {
        CallerLimiter limiter = Create(1);
        for (int i = 0; i < CallerLimiter.MostAddresses; i++)
            Assert.True(Take(limiter, Address(i)));

        Assert.True(Take(limiter, Address(1_000_000)));
        Assert.False(Take(limiter, Address(1_000_001)));
        Assert.Equal(CallerLimiter.MostAddresses, limiter.Count);
        Assert.Single(_log.Messages);

        _time.Advance(TimeSpan.FromSeconds(3660));
        Assert.True(Take(limiter, Address(1_000_001)));
        Assert.Equal(1, limiter.Count);
    }

    [Fact]
    public void Callers_WhenTheyAreGone_AreForgotten()
    {
        CallerLimiter limiter = Create(1);
        for (int i = 0; i < 100; i++)
            Assert.True(Take(limiter, Address(i)));

        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.True(Take(limiter, Address(100)));
        Assert.Equal(101, limiter.Count);

        _time.Advance(TimeSpan.FromMinutes(31));
        Assert.True(Take(limiter, Address(0)));
        Assert.Equal(2, limiter.Count);
    }

    // A proxy on this machine is no caller of this machine.
    [Fact]
    public void Local_WhenWithoutAKey_IsNotCounted()
    {
        CallerLimiter limiter = Create(1);

        Assert.All(Enumerable.Range(0, 3), _ => Assert.True(Take(limiter, "127.0.0.1", local: true)));
        Assert.True(Take(limiter, "127.0.0.1"));
        Assert.False(Take(limiter, "127.0.0.1"));
    }

    private static string Address(int i) => new IPAddress(System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(0x0a000000 + i) & 0xffffffffL).ToString();

    private static bool Take(CallerLimiter limiter, string address, bool local = false)
    {
        var context = new DefaultHttpContext();
        context.Features.Set(new Caller(null, false, IPAddress.Parse(address), local));
        return limiter.AttemptAcquire(context).IsAcquired;
    }

    private CallerLimiter Create(int limit) => new(
        DynamicMoESettings.Read(RunningServer.Configuration(string.Create(CultureInfo.InvariantCulture, $"security.rate_limit={limit}"))).Security, _time, _log);
}
