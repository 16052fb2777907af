using System.Net;
using System.Net.Sockets;
using System.Text;

namespace DynamicMoE.Server.Tests.Listening;

/// <summary>What a caller can send at most, and how slowly. Raw sockets, because clients do not send such requests.</summary>
public sealed class RequestLimitTests
{
    private const string Head = "POST /v1/echo HTTP/1.1\r\nHost: a\r\n";

    [Theory]
    [InlineData("GET /v1/hello HTTP/1.1\r\nHost: a\r\nX-Long: {0}\r\n\r\n", 2000, "431")]
    [InlineData("GET /{0} HTTP/1.1\r\nHost: a\r\n\r\n", 2000, "414")]
    [InlineData(Head + "Content-Length: 2000\r\n\r\n{0}", 2000, "413")]
    [InlineData(Head + "Transfer-Encoding: chunked\r\n\r\n7d0\r\n{0}\r\n0\r\n\r\n", 2000, "413")]
    [InlineData(Head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{0}", 6, "400")]
    [InlineData("nonsense{0}\r\n\r\n", 1, "400")]
    public async Task Request_WhenAboveALimit_IsRefusedAndTheServiceLivesOn(string format, int size, string status)
    {
        await using RunningServer server = await RunningServer.StartAsync("server.max_request_bytes=1024", "server.max_header_bytes=1024");

        string answer = await server.RawAsync(format.Replace("{0}", new string('a', size), StringComparison.Ordinal));

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Equal("hello", await server.Client.GetStringAsync("/v1/hello"));
    }

    [Fact]
    public async Task Headers_WhenMoreThanAllowed_AreRefused()
    {
        await using RunningServer server = await RunningServer.StartAsync("server.max_headers=8");
        var request = new StringBuilder("GET /v1/hello HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < 8; i++)
            request.Append(System.Globalization.CultureInfo.InvariantCulture, $"X-{i}: 1\r\n");

        Assert.StartsWith("HTTP/1.1 431 ", await server.RawAsync($"{request}\r\n"), StringComparison.Ordinal);
    }

    // The server closes by itself; a test that waits in vain ends by the patience of the reader.
    [Theory]
    [InlineData("GET /v1/hello HTTP/1.1\r\nHost: a\r\nX-Begun: ", "HTTP/1.1 408 ")]
    [InlineData("", "")]
    public async Task Connection_WhenItsHeadersDoNotCome_IsClosed(string begun, string answer)
    {
        await using RunningServer server = await RunningServer.StartAsync("server.header_timeout_seconds=0.1", "server.keep_alive_seconds=0.1");

        Assert.StartsWith(answer, await server.RawAsync(begun), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_WhenItStopsComing_IsRefused()
    {
        await using RunningServer server = await RunningServer.StartAsync("server.min_body_rate=1000000");

        Assert.StartsWith("HTTP/1.1 408 ", await server.RawAsync($"{Head}Content-Length: 1000\r\n\r\nabc"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_WhenMoreThanAllowed_AreClosedAndOtherPortsAnswer()
    {
        await using RunningServer server = await RunningServer.StartAsync("server.max_connections=1");
        using var first = new TcpClient();
        await first.ConnectAsync(server.Addresses.Api.Host, server.Addresses.Api.Port);
        await first.GetStream().WriteAsync("GET /v1/hello HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
        Assert.NotEqual(0, await first.GetStream().ReadAsync(new byte[1]));

        Assert.Equal("", await server.RawAsync("GET /v1/hello HTTP/1.1\r\nHost: a\r\n\r\n"));
        Assert.Equal(HttpStatusCode.OK, await server.Client.StatusAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(server.Addresses.Health, "/healthz/live"))));
    }

    [Theory]
    [InlineData("gzip", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("identity, br", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("identity", HttpStatusCode.OK)]
    public async Task Body_WhenCompressed_IsRefusedUnread(string encoding, HttpStatusCode status)
    {
        await using RunningServer server = await RunningServer.StartAsync();
        using HttpRequestMessage request = Answers.Post("/v1/echo");
        request.Content!.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        using HttpResponseMessage response = await server.Client.SendAsync(request);

        Assert.Equal(status, response.StatusCode);
        if (status != HttpStatusCode.OK)
            Assert.Equal("unsupported_content_encoding", await response.ProblemAsync());
    }
}
