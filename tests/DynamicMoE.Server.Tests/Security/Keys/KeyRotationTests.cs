using System.Net;
using DynamicMoE.TestKit.Checkpoints;
using Microsoft.Extensions.Time.Testing;

namespace DynamicMoE.Server.Tests.Security.Keys;

public sealed class KeyRotationTests
{
    [Fact]
    public async Task Keys_WhenTheFileChanges_FollowItAndKeepWhatABrokenOneWouldDrop()
    {
        using var folder = new TemporaryDirectory();
        string path = folder["keys"], first = ApiKeyText.Create(), second = ApiKeyText.Create();
        await File.WriteAllTextAsync(path, ApiKeyText.Line("alice", first));
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using RunningServer server = await RunningServer.StartAsync(
            new ServerHostOptions { TimeProvider = time }, "security.api_key_required=true", $"security.api_keys_file={path}");
        Assert.Equal((200, 401), await StatusesAsync());

        await File.WriteAllTextAsync(path, ApiKeyText.Line("bob", second));
        Assert.Equal((200, 401), await StatusesAsync());
        time.Advance(PolledFiles.Interval);
        Assert.Equal((401, 200), await StatusesAsync());

        await File.WriteAllTextAsync(path, $"carol {second}");
        time.Advance(PolledFiles.Interval);
        time.Advance(PolledFiles.Interval);
        Assert.Equal((401, 200), await StatusesAsync());

        File.Delete(path);
        time.Advance(PolledFiles.Interval);
        Assert.Equal((401, 200), await StatusesAsync());

        await File.WriteAllTextAsync(path, $"{ApiKeyText.Line("alice", first)}\n{ApiKeyText.Line("bob", second)}");
        time.Advance(PolledFiles.Interval);
        Assert.Equal((200, 200), await StatusesAsync());

        string[] told = [.. server.Log.Messages.Where(message => message.StartsWith("The changed API keys", StringComparison.Ordinal)).Select(message => message[..(message.IndexOf(" in force", StringComparison.Ordinal) + 9)])];
        Assert.Equal(
            [
                $"The changed API keys of {path} are in force",
                $"The changed API keys of {path} are refused, those before stay in force",
                $"The changed API keys of {path} are refused, those before stay in force",
                $"The changed API keys of {path} are in force",
            ],
            told);
        Assert.DoesNotContain(server.Log.Messages, message => message.Contains(second, StringComparison.Ordinal));

        async Task<(int First, int Second)> StatusesAsync() => ((int)await AskAsync(first), (int)await AskAsync(second));

        Task<HttpStatusCode> AskAsync(string key) => server.Client.StatusAsync(Answers.Get("/v1/hello").WithKey(key));
    }
}
