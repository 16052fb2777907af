using System.Net;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Server.Tests.Security;

public sealed class AccessTests
{
    private static readonly string UserKey = ApiKeyText.Create(), AdminKey = ApiKeyText.Create();

    [Fact]
    public async Task Requests_WhenKeysAreRequired_AreServedByKeyAndRole()
    {
        using var folder = new TemporaryDirectory();
        await File.WriteAllTextAsync(folder["keys"], $"# callers\n{ApiKeyText.Line("alice", UserKey)}\n\n{ApiKeyText.Line("root", AdminKey, admin: true)}\n");
        await using RunningServer server = await RunningServer.StartAsync("security.api_key_required=true", $"security.api_keys_file={folder["keys"]}");

        foreach ((HttpRequestMessage request, HttpStatusCode status) in new[]
        {
            (Answers.Get("/v1/hello"), HttpStatusCode.Unauthorized),
            (Answers.Get("/nothing"), HttpStatusCode.Unauthorized),
            (Answers.Get("/open"), HttpStatusCode.OK),
            (Answers.Get("/v1/hello").WithKey(UserKey), HttpStatusCode.OK),
            (Answers.Get("/v1/hello").With("Authorization", $"bearer {UserKey}"), HttpStatusCode.OK),
            (Answers.Get("/v1/hello").With("X-Api-Key", UserKey), HttpStatusCode.OK),
            (Answers.Get("/v1/hello").WithKey(UserKey[..^1]), HttpStatusCode.Unauthorized),
            (Answers.Get("/v1/hello").WithKey(ApiKeyText.Create()), HttpStatusCode.Unauthorized),
            (Answers.Get("/v1/hello").WithKey(""), HttpStatusCode.Unauthorized),
            (Answers.Get("/v1/hello").WithKey(new string('a', 10_000)), HttpStatusCode.Unauthorized),
            (Answers.Get("/v1/hello").With("Authorization", $"Basic {UserKey}"), HttpStatusCode.Unauthorized),
            (Answers.Get("/v1/hello").With("X-Api-Key", UserKey).With("X-Api-Key", UserKey), HttpStatusCode.Unauthorized),
            (Answers.Get("/nothing").WithKey(UserKey), HttpStatusCode.NotFound),
            (Answers.Post("/v1/admin"), HttpStatusCode.Unauthorized),
            (Answers.Post("/v1/admin").WithKey(UserKey), HttpStatusCode.Forbidden),
            (Answers.Post("/v1/admin").WithKey(AdminKey), HttpStatusCode.OK),
        })
        {
            Assert.Equal((request.ToString(), status), (request.ToString(), await server.Client.StatusAsync(request)));
        }

        Assert.DoesNotContain(server.Log.Messages, message => message.Contains(UserKey, StringComparison.Ordinal) || message.Contains(AdminKey, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Refusals_WhenSent_AreProblemsThatHoldNothingOfTheKey()
    {
        using var folder = new TemporaryDirectory();
        await File.WriteAllTextAsync(folder["keys"], ApiKeyText.Line("alice", UserKey));
        await using RunningServer server = await RunningServer.StartAsync("security.api_key_required=true", $"security.api_keys_file={folder["keys"]}");
        using HttpResponseMessage none = await server.Client.SendAsync(Answers.Get("/v1/hello"));
        using HttpResponseMessage unknown = await server.Client.SendAsync(Answers.Get("/v1/hello").WithKey("not-admitted"));
        using HttpResponseMessage user = await server.Client.SendAsync(Answers.Post("/v1/admin").WithKey(UserKey));

        Assert.Equal(("api_key_missing", "api_key_unknown", "admin_needed"), (await none.ProblemAsync(), await unknown.ProblemAsync(), await user.ProblemAsync()));
        Assert.Equal("Bearer", none.Headers.WwwAuthenticate.ToString());
        Assert.DoesNotContain("not-admitted", await unknown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    // Clients of other services send a key whether or not one is asked for.
    [Fact]
    public async Task Requests_WhenNoKeysAreKept_AreServedWhateverTheySend()
    {
        await using RunningServer server = await RunningServer.StartAsync();

        Assert.Equal(HttpStatusCode.OK, await server.Client.StatusAsync(Answers.Get("/v1/hello").WithKey("sk-none")));
    }

    [Theory]
    [InlineData("Host", "localhost", HttpStatusCode.OK)]
    [InlineData("Host", "[::1]:5080", HttpStatusCode.OK)]
    [InlineData("Host", "rebound.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "https://other.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "null", HttpStatusCode.Forbidden)]
    [InlineData("X-Forwarded-For", "192.0.2.1", HttpStatusCode.Forbidden)]
    [InlineData("Forwarded", "for=192.0.2.1", HttpStatusCode.Forbidden)]
    [InlineData("x-forwarded-host", "service.example", HttpStatusCode.Forbidden)]
    [InlineData("X-Envoy-External-Address", "192.0.2.1", HttpStatusCode.Forbidden)]
    [InlineData("Via", "1.1 proxy", HttpStatusCode.Forbidden)]
    [InlineData("Accept", "*/*", HttpStatusCode.OK)]
    public async Task AdminEndpoints_WhenNoKeysAreKept_ServeThisMachineAndNoOtherSite(string header, string value, HttpStatusCode status)
    {
        await using RunningServer server = await RunningServer.StartAsync();

        Assert.Equal(status, await server.Client.StatusAsync(Answers.Post("/v1/admin").With(header, value)));
        Assert.Equal(HttpStatusCode.OK, await server.Client.StatusAsync(Answers.Post("/v1/admin").With("Origin", server.Addresses.Api.GetLeftPart(UriPartial.Authority))));
    }

    // What nginx sends with a proxy_pass and nothing else.
    [Fact]
    public async Task AdminEndpoints_WhenAskedInHttp10_RefuseAProxyThatHidesItself()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        const string rest = "\r\nHost: 127.0.0.1:5080\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

        Assert.StartsWith("HTTP/1.1 403", await server.RawAsync("POST /v1/admin HTTP/1.0" + rest), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", await server.RawAsync("POST /v1/admin HTTP/1.1" + rest), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AdminEndpoints_WhenLocalCallersAreNone_ServeNobodyWithoutAnAdminsKey()
    {
        using var folder = new TemporaryDirectory();
        await File.WriteAllTextAsync(folder["keys"], ApiKeyText.Line("root", AdminKey, admin: true));
        await using RunningServer server = await RunningServer.StartAsync("security.local_admin=false", $"security.api_keys_file={folder["keys"]}");

        Assert.Equal(HttpStatusCode.Forbidden, await server.Client.StatusAsync(Answers.Post("/v1/admin")));
        Assert.Equal(HttpStatusCode.OK, await server.Client.StatusAsync(Answers.Post("/v1/admin").WithKey(AdminKey)));
        Assert.Equal(HttpStatusCode.OK, await server.Client.StatusAsync(Answers.Get("/v1/hello")));
    }

    // One score moves the budget of everybody.
    [Fact]
    public async Task Feedback_WhenAUserGivesIt_IsRefused()
    {
        using var folder = new TemporaryDirectory();
        await File.WriteAllTextAsync(folder["keys"], $"{ApiKeyText.Line("alice", UserKey)}\n{ApiKeyText.Line("root", AdminKey, admin: true)}\n");
        await using RunningServer server = await RunningServer.StartAsync("security.api_key_required=true", $"security.api_keys_file={folder["keys"]}");

        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(UserKey));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(AdminKey));

        Task<HttpStatusCode> StatusAsync(string key)
        {
            HttpRequestMessage request = Answers.Post("/v1/feedback").WithKey(key);
            request.Content = new StringContent("""{"performance_score":0.5}""", null, "application/json");
            return server.Client.StatusAsync(request);
        }
    }
}
