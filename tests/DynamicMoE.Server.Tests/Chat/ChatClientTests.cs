using System.Net;
using DynamicMoE.Server.Tests;
using Microsoft.Extensions.AI;

namespace DynamicMoE.Hosting.Tests.Chat;

/// <summary>Both chat clients give the same answer: the one in process over the service itself, the other over its API.</summary>
public sealed class ChatClientTests
{
    private const string Template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}>";

    private static readonly ChatMessage[] s_talk = [new(ChatRole.System, "Be short."), new(ChatRole.User, "Hi")];

    [Theory]
    [InlineData(true, Template, "[system]Be short.[user]Hi>")]
    [InlineData(false, Template, "[system]Be short.[user]Hi>")]
    [InlineData(true, null, "Be short.\nHi")]
    [InlineData(false, null, "Be short.\nHi")]
    public async Task Response_WhenAsked_HasTextUsageAndExperts(bool inProcess, string? template, string prompt)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Info = host.Service.Info with { ChatTemplate = template };
        using IChatClient client = Client(host, inProcess);
        var options = new ChatOptions
        {
            MaxOutputTokens = 9, Temperature = 0.5f, TopP = 0.75f, Seed = 7, StopSequences = ["stop"], AdditionalProperties = new() { ["quality"] = 0.25 },
        };

        ChatResponse response = await client.GetResponseAsync(s_talk, options);

        GenerationRequest request = host.Service.LastGeneration!;
        Assert.Equal((prompt, 9, 0.5f, 0.75f, 7UL, 0.25f), (request.Prompt, request.MaxTokens, request.Temperature, request.TopP, request.Seed, request.Quality));
        Assert.Equal(["stop"], request.Stop);
        Assert.Equal(string.Concat(host.Service.Pieces), response.Text);
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Equal((3L, 4L, 7L), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount));
        Assert.Equal("tiny/moe", response.ModelId);
        Assert.Equal(1.5, response.Messages[^1].AdditionalProperties!["mean_experts_per_token"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stream_WhenItsReaderLeaves_EndsTheSequence(bool inProcess)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Gate = new TaskCompletionSource();
        using IChatClient client = Client(host, inProcess);
        using var cancel = new CancellationTokenSource();
        await using IAsyncEnumerator<ChatResponseUpdate> updates = client.GetStreamingResponseAsync(s_talk, null, cancel.Token).GetAsyncEnumerator();
        Assert.True(await updates.MoveNextAsync());
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (await updates.MoveNextAsync())
            {
            }
        });
        await host.Service.Cancelled.Task.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Response_WhenTheModelIsExchanged_IsOfTheNewOneAndSaysSo()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Info = host.Service.Info with { ChatTemplate = "A{{ messages[1].content }}" };
        host.Service.Next = host.Service.Info with { Name = "other", ChatTemplate = "B{{ messages[1].content }}" };
        using IChatClient client = Client(host, inProcess: true);

        Assert.Equal("other", (await client.GetResponseAsync(s_talk)).ModelId);
        Assert.Equal("BHi", host.Service.LastGeneration!.Prompt);
    }

    [Fact]
    public async Task Response_WhenTheServiceServesAnotherModelByNow_IsOfThat()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        using IChatClient client = Client(host, inProcess: false);
        Assert.Equal("tiny/moe", (await client.GetResponseAsync(s_talk)).ModelId);
        host.Service.Info = host.Service.Info with { Name = "other", ChatTemplate = Template };

        Assert.Equal("other", (await client.GetResponseAsync(s_talk)).ModelId);
        Assert.Equal("[system]Be short.[user]Hi>", host.Service.LastGeneration!.Prompt);
    }

    [Fact]
    public async Task Stream_WhenItEndsWithoutItsMark_IsNoAnswer()
    {
        using var http = new HttpClient(new CutAnswer()) { BaseAddress = new Uri("http://service.example") };
        using var client = new ServiceChatClient(http);

        HttpRequestException error = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetResponseAsync(s_talk));

        Assert.Equal(HttpRequestError.ResponseEnded, error.HttpRequestError);
    }

    [Fact]
    public async Task Response_WhenTheServiceRefuses_SaysWhy()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Refusal = new RoutingValidationException("max_tokens is 9, which is too much.");
        using IChatClient client = Client(host, inProcess: false);

        HttpRequestException error = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetResponseAsync(s_talk));

        Assert.Equal((HttpStatusCode.UnprocessableEntity, "422: max_tokens is 9, which is too much."), (error.StatusCode, error.Message));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Response_WhenItIsAskedForWhatIsNotSupported_Throws(bool inProcess)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        using IChatClient client = Client(host, inProcess);
        ChatMessage picture = new(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]);

        Assert.Equal("A message has DataContent; only text is supported.", (await Assert.ThrowsAsync<NotSupportedException>(() => client.GetResponseAsync([picture]))).Message);
        await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync([]));
        Assert.Equal("dynamicmoe", client.GetService<ChatClientMetadata>()!.ProviderName);
    }

    // A proxy, say, that lost the service in the middle of an answer and ended the body as if it were whole.
    private sealed class CutAnswer : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(new HttpResponseMessage
        {
            Content = new StringContent(request.Method == HttpMethod.Get
                ? """{"data":[{"id":"m","dynamicmoe":{"chat":true,"max_positions":64}}]}"""
                : "data: {\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"Hel\"},\"finish_reason\":null}]}\n\n"),
        });
    }

    private static IChatClient Client(ApiHost host, bool inProcess) => inProcess ? new InferenceChatClient(host.Service) : new ServiceChatClient(host.Client);
}
