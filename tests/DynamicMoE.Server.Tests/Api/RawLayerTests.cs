using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace DynamicMoE.Server.Tests;

/// <summary>Bodies as no client library sends them.</summary>
public class RawLayerTests
{
    private const string Binary = "POST /v1/forward HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\n";

    [Theory]
    [InlineData("ffffffffffffffff")]
    [InlineData("100000000")]
    [InlineData("-1")]
    [InlineData("zz")]
    public async Task Chunk_WhenItsSizeIsNone_IsTheCallersMistake(string size)
    {
        await using ApiHost host = await ApiHost.StartAsync();

        string answer = await SendAsync(host, Encoding.ASCII.GetBytes($"{Binary}Transfer-Encoding: chunked\r\n\r\n{size}\r\nDMOE\r\n0\r\n\r\n"));

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connection_WhenABinaryHeaderIsRefused_TakesTheNextRequest()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        byte[] whole = BinaryBody.Of([1, 2, 3], 3), broken = [.. "NONE"u8, .. whole.AsSpan(4)];
        string length = string.Create(CultureInfo.InvariantCulture, $"Content-Length: {whole.Length}\r\n");

        string answers = await SendAsync(
            host, [.. Encoding.ASCII.GetBytes($"{Binary}{length}\r\n"), .. broken, .. Encoding.ASCII.GetBytes($"{Binary}{length}Connection: close\r\n\r\n"), .. whole]);

        Assert.Contains("malformed_binary", answers, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200 OK", answers, StringComparison.Ordinal);
    }

    private static async Task<string> SendAsync(ApiHost host, byte[] request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(host.Address.Host, host.Address.Port);
        await client.GetStream().WriteAsync(request);
        return await RunningServer.ReadToEndAsync(client.GetStream());
    }
}
