using System.Net;
using System.Text.RegularExpressions;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Server.Tests.Dashboard;

public sealed partial class DashboardEndpointsTests
{
    [Fact]
    public async Task Page_WhenAskedFor_RefersOnlyToPartsThatAreThere()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        using HttpResponseMessage answer = await server.Client.GetAsync(new Uri("/", UriKind.Relative));
        string page = await answer.Content.ReadAsStringAsync();
        Assert.Equal("text/html", answer.Content.Headers.ContentType?.MediaType);
        var seen = new HashSet<string>();
        var open = new Queue<string>(Reference().Matches(page).Select(match => match.Groups[1].Value));
        Assert.NotEmpty(open);
        while (open.TryDequeue(out string? part))
        {
            if (!seen.Add(part))
            {
                continue;
            }

            using HttpResponseMessage found = await server.Client.GetAsync(new Uri("/" + part, UriKind.Relative));
            Assert.True(found.IsSuccessStatusCode, part);
            Assert.Equal(Expected(part), found.Content.Headers.ContentType?.MediaType);
            foreach (Match import in Import().Matches(await found.Content.ReadAsStringAsync()))
            {
                open.Enqueue("dashboard/" + import.Groups[1].Value);
            }
        }

        Assert.Contains("dashboard/heatmap.js", seen);
    }

    // The policy that the page is served with would leave such a part out, silently for the server.
    [Fact]
    public async Task Page_WhenRead_HasNothingThatThePolicyForbids()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        string page = await server.Client.GetStringAsync(new Uri("/", UriKind.Relative));
        Assert.DoesNotMatch("<script>|<style|\\sstyle=|\\son[a-z]+=|https?://", page);
    }

    [Fact]
    public async Task Part_WhenItIsKnown_IsNotSentAgain()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        using HttpResponseMessage first = await server.Client.GetAsync(new Uri("/dashboard/app.js", UriKind.Relative));
        string tag = first.Headers.ETag!.Tag;
        Assert.Equal("no-cache", first.Headers.CacheControl?.ToString());
        Assert.Equal(HttpStatusCode.NotModified, await server.Client.StatusAsync(Answers.Get("/dashboard/app.js").With("If-None-Match", tag)));
        Assert.Equal(HttpStatusCode.NotModified, await server.Client.StatusAsync(Answers.Get("/dashboard/app.js").With("If-None-Match", $"\"x\", W/{tag}")));
        Assert.Equal(HttpStatusCode.OK, await server.Client.StatusAsync(Answers.Get("/dashboard/app.js").With("If-None-Match", "\"x\"")));
    }

    [Fact]
    public async Task Part_WhenOnlyItsHeadIsAskedFor_HasTheLengthOfTheWhole()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        byte[] whole = await server.Client.GetByteArrayAsync(new Uri("/dashboard/style.css", UriKind.Relative));
        using HttpResponseMessage head = await server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/dashboard/style.css"));
        Assert.Equal(whole.Length, head.Content.Headers.ContentLength);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Page_WhenKeysAreRequired_IsServedWithoutOneAndItsFiguresAreNot()
    {
        using var folder = new TemporaryDirectory();
        await File.WriteAllTextAsync(folder["keys"], ApiKeyText.Line("alice", ApiKeyText.Create()));
        await using RunningServer server = await RunningServer.StartAsync("security.api_key_required=true", $"security.api_keys_file={folder["keys"]}");
        Assert.Equal(HttpStatusCode.OK, await server.Client.StatusAsync(Answers.Get("/")));
        Assert.Equal(HttpStatusCode.OK, await server.Client.StatusAsync(Answers.Get("/dashboard/app.js")));
        Assert.Equal(HttpStatusCode.Unauthorized, await server.Client.StatusAsync(Answers.Get("/v1/stats")));
    }

    private static string Expected(string part) => Path.GetExtension(part) switch
    {
        ".js" => "text/javascript",
        ".css" => "text/css",
        _ => "image/svg+xml",
    };

    [GeneratedRegex("(?:href|src)=\"(dashboard/[^\"]+)\"")]
    private static partial Regex Reference();

    [GeneratedRegex(@"from '\./([^']+)'")]
    private static partial Regex Import();
}
