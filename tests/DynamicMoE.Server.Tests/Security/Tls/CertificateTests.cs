using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using DynamicMoE.TestKit.Checkpoints;
using Microsoft.Extensions.Time.Testing;

namespace DynamicMoE.Server.Tests.Security.Tls;

public sealed class CertificateTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Certificate_WhenItsFilesChange_IsThatOfNewConnectionsAndOldOnesGoOn()
    {
        string first = Write();
        await using RunningServer server = await StartAsync();
        await using Connection old = await Connection.OpenAsync(server);
        Assert.Equal(first, old.Thumbprint);
        Assert.Contains("hello", await old.AskAsync(), StringComparison.Ordinal);

        string second = Write();
        Assert.Equal(first, await ThumbprintAsync(server));
        _time.Advance(PolledFiles.Interval);

        Assert.Equal(second, await ThumbprintAsync(server));
        Assert.Contains("hello", await old.AskAsync(), StringComparison.Ordinal);
        Assert.Contains(server.Log.Messages, message => message.StartsWith($"New connections get the certificate {second}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Certificate_WhenTheNewOneIsOfNoUse_StaysAndIsReplacedOnceItIs()
    {
        string first = Write();
        await using RunningServer server = await StartAsync();
        (string certificate, string key, string second) = TestCertificates.Create();
        string[] broken = ["", "no certificate", certificate[..^40], certificate];

        // The last of them is a certificate whose key has not been written yet.
        foreach (string text in broken)
        {
            await File.WriteAllTextAsync(_folder["cert"], text);
            _time.Advance(PolledFiles.Interval);
            Assert.Equal(first, await ThumbprintAsync(server));
        }

        await File.WriteAllTextAsync(_folder["key"], key);
        _time.Advance(PolledFiles.Interval);
        Assert.Equal(second, await ThumbprintAsync(server));

        TestCertificates.Write(_folder["cert"], _folder["key"], notAfter: _time.GetUtcNow().AddDays(-1));
        _time.Advance(PolledFiles.Interval);
        Assert.Equal(second, await ThumbprintAsync(server));
        Assert.True(server.Log.Messages.Count(message => message.StartsWith("The changed certificate is refused", StringComparison.Ordinal)) >= 4);
        Assert.DoesNotContain(server.Log.Messages, message => message.Contains("PRIVATE KEY", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tls_WhenSpoken_NegotiatesHttp2AndAnswersWithHsts()
    {
        Write();
        await using RunningServer server = await StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null } })
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using HttpResponseMessage response = await client.GetAsync(new Uri(server.Addresses.Api, "/v1/hello"));

        Assert.Equal("https", server.Addresses.Api.Scheme);
        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (response.StatusCode, response.Version));
        Assert.Equal("max-age=31536000", Assert.Single(response.Headers.GetValues("Strict-Transport-Security")));
    }

    [Fact]
    public async Task Options_WhenRead_AllowTls12AndAboveOnly()
    {
        Write();
        var certificate = PemCertificate.Read(await File.ReadAllBytesAsync(_folder["cert"]), await File.ReadAllBytesAsync(_folder["key"]));

        Assert.Equal(SslProtocols.Tls12 | SslProtocols.Tls13, certificate.Options.EnabledSslProtocols);
    }

    [Fact]
    public async Task PlainHttp_WhenTlsIsOn_IsNotSpoken()
    {
        Write();
        await using RunningServer server = await StartAsync();

        Assert.DoesNotContain("HTTP/1.1 200", await server.RawAsync("GET /v1/hello HTTP/1.1\r\nHost: a\r\n\r\n"), StringComparison.Ordinal);
    }

    private string Write() => TestCertificates.Write(_folder["cert"], _folder["key"]);

    private Task<RunningServer> StartAsync() => RunningServer.StartAsync(
        new ServerHostOptions { TimeProvider = _time }, "security.ssl_enabled=true", $"security.ssl_cert_file={_folder["cert"]}", $"security.ssl_key_file={_folder["key"]}");

    private static async Task<string> ThumbprintAsync(RunningServer server)
    {
        await using Connection connection = await Connection.OpenAsync(server);
        return connection.Thumbprint;
    }

    private sealed class Connection(TcpClient client, SslStream stream) : IAsyncDisposable
    {
        public string Thumbprint => stream.RemoteCertificate!.GetCertHashString(HashAlgorithmName.SHA256);

        public static async Task<Connection> OpenAsync(RunningServer server)
        {
            var client = new TcpClient();
            await client.ConnectAsync(server.Addresses.Api.Host, server.Addresses.Api.Port);
            var stream = new SslStream(client.GetStream());
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null });
            return new Connection(client, stream);
        }

        public async Task<string> AskAsync()
        {
            await stream.WriteAsync("GET /v1/hello HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
            var text = new StringBuilder();
            var buffer = new byte[4096];
            while (!text.ToString().EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal))
            {
                int count = await stream.ReadAsync(buffer);
                Assert.NotEqual(0, count);
                text.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }

            return text.ToString();
        }

        public async ValueTask DisposeAsync()
        {
            await stream.DisposeAsync();
            client.Dispose();
        }
    }
}
