using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using DynamicMoE.Models;
using Microsoft.Extensions.AI;

namespace DynamicMoE.Hosting;

/// <summary>A chat client over a service elsewhere (<c>dmoe serve</c>), by its <c>/v1/chat/completions</c>; for a model without a chat template by <c>/v1/completions</c>, with
/// the texts of the messages joined by line ends.</summary>
/// <remarks>Options count as in <see cref="InferenceChatClient"/>. What is served is asked for with the first request, and again when one is refused.</remarks>
public sealed class ServiceChatClient : IChatClient
{
    private const string Completions = "v1/completions", Chat = "v1/chat/completions", Models = "v1/models";

    private readonly HttpClient _http;
    private Model? _model;

    /// <summary>Makes a client; it does not own the HTTP client.</summary>
    /// <param name="http">Has the service's address, and an <c>Authorization: Bearer</c> header where the service asks for keys.</param>
    /// <exception cref="ArgumentNullException"><paramref name="http"/> is null.</exception>
    public ServiceChatClient(HttpClient http)
    {
        ArgumentNullException.ThrowIfNull(http);
        _http = http;
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>Asks the service and yields what it streams.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="options">The options, or null.</param>
    /// <param name="cancellationToken">Ends the request, and with it the sequence.</param>
    /// <returns>The updates.</returns>
    /// <exception cref="HttpRequestException">The service is not reached, refuses, or ends before the answer is complete; the message has its problem document's detail.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ChatRequest request = ChatRequest.Of(messages, options);
        using HttpResponseMessage response = await AskAsync(request, cancellationToken).ConfigureAwait(false);
        await RequireSuccessAsync(response, cancellationToken).ConfigureAwait(false);
        Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await foreach (SseItem<string> item in SseParser.Create(stream).EnumerateAsync(cancellationToken).ConfigureAwait(false))
        {
            if (item.Data == "[DONE]")
            {
                yield break;
            }

            using JsonDocument document = JsonDocument.Parse(item.Data);
            if (item.EventType == "error")
            {
                throw new HttpRequestException(Detail(document.RootElement));
            }

            yield return Update(document.RootElement);
        }

        throw new HttpRequestException(HttpRequestError.ResponseEnded, "The answer ended before it was complete.");
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("dynamicmoe", _http.BaseAddress, _model?.Name)
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Does nothing: the HTTP client is its owner's.</summary>
    public void Dispose()
    {
    }

    // A request names the model and has its limits: after an exchange it is refused, and made again for the new one.
    private async Task<HttpResponseMessage> AskAsync(ChatRequest request, CancellationToken cancellationToken)
    {
        Model? known = _model;
        Model model = _model = known ?? await ModelAsync(cancellationToken).ConfigureAwait(false);
        HttpResponseMessage response = await PostAsync(request, model, cancellationToken).ConfigureAwait(false);
        if (known is null || response.StatusCode is not (HttpStatusCode.BadRequest or HttpStatusCode.NotFound or HttpStatusCode.UnprocessableEntity))
        {
            return response;
        }

        try
        {
            model = await ModelAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            response.Dispose();
            throw;
        }

        if (model == known)
        {
            return response;
        }

        response.Dispose();
        _model = model;
        return await PostAsync(request, model, cancellationToken).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> PostAsync(ChatRequest request, Model model, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, model.Chats ? Chat : Completions) { Content = Body(request, model) };
        return await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
    }

    private async Task<Model> ModelAsync(CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await _http.GetAsync(Models, cancellationToken).ConfigureAwait(false);
        await RequireSuccessAsync(response, cancellationToken).ConfigureAwait(false);
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
        JsonElement model = document.RootElement.GetProperty("data")[0], own = model.GetProperty("dynamicmoe");
        return new Model(model.GetProperty("id").GetString()!, own.GetProperty("chat").GetBoolean(), own.GetProperty("max_positions").GetInt32());
    }

    private static ByteArrayContent Body(ChatRequest request, Model model)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("model"u8, model.Name);
            json.WriteBoolean("stream"u8, true);
            json.WriteStartObject("stream_options"u8);
            json.WriteBoolean("include_usage"u8, true);
            json.WriteEndObject();
            if (model.Chats)
            {
                WriteMessages(json, request.Turns);
            }
            else
            {
                json.WriteString("prompt"u8, request.JoinedText);
            }

            WriteOptions(json, request, model);
            json.WriteEndObject();
        }

        var content = new ByteArrayContent(buffer.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private static void WriteMessages(Utf8JsonWriter json, IReadOnlyList<ChatTurn> turns)
    {
        json.WriteStartArray("messages"u8);
        foreach (ChatTurn turn in turns)
        {
            json.WriteStartObject();
            json.WriteString("role"u8, turn.Role);
            json.WriteString("content"u8, turn.Content);
            if (turn.Name is not null)
            {
                json.WriteString("name"u8, turn.Name);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteOptions(Utf8JsonWriter json, ChatRequest request, Model model)
    {
        GenerationRequest options = request.ToGeneration("", model.Positions);
        json.WriteNumber("max_tokens"u8, options.MaxTokens);
        json.WriteNumber("temperature"u8, options.Temperature);
        json.WriteNumber("top_p"u8, options.TopP);
        if (options.Seed is ulong seed)
        {
            json.WriteNumber("seed"u8, unchecked((long)seed));
        }

        if (options.Stop.Count > 0)
        {
            json.WriteStartArray("stop"u8);
            foreach (string stop in options.Stop)
            {
                json.WriteStringValue(stop);
            }

            json.WriteEndArray();
        }

        if (request.QualityDial is double quality)
        {
            json.WriteNumber("quality"u8, quality);
        }

        if (request.Budget is double budget)
        {
            json.WriteNumber("experts_budget"u8, budget);
        }
    }

    private static ChatResponseUpdate Update(JsonElement chunk)
    {
        string? text = null, finish = null;
        double? experts = null;
        if (chunk.TryGetProperty("choices", out JsonElement choices) && choices.GetArrayLength() > 0)
        {
            JsonElement choice = choices[0];
            text = choice.TryGetProperty("delta", out JsonElement delta)
                ? delta.TryGetProperty("content", out JsonElement content) ? content.GetString() : null
                : choice.TryGetProperty("text", out JsonElement plain) ? plain.GetString() : null;
            finish = choice.TryGetProperty("finish_reason", out JsonElement reason) ? reason.GetString() : null;
            experts = choice.TryGetProperty("dynamicmoe", out JsonElement own) && own.TryGetProperty(ChatRequest.MeanExperts, out JsonElement mean) ? mean.GetDouble() : null;
        }

        string? id = chunk.TryGetProperty("id", out JsonElement of) ? of.GetString() : null, model = chunk.TryGetProperty("model", out JsonElement named) ? named.GetString() : null;
        var update = new ChatResponseUpdate(ChatRole.Assistant, text) { MessageId = id, ResponseId = id, ModelId = model };
        update.FinishReason = finish is null ? null : new ChatFinishReason(finish);
        if (chunk.TryGetProperty("usage", out JsonElement usage) && usage.ValueKind == JsonValueKind.Object)
        {
            update.Contents.Add(new UsageContent(new UsageDetails
            {
                InputTokenCount = usage.GetProperty("prompt_tokens").GetInt64(),
                OutputTokenCount = usage.GetProperty("completion_tokens").GetInt64(),
                TotalTokenCount = usage.GetProperty("total_tokens").GetInt64(),
            }));
        }

        update.AdditionalProperties = experts is null ? null : new() { [ChatRequest.MeanExperts] = experts };
        return update;
    }

    private static async Task RequireSuccessAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        string detail;
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            detail = Detail(document.RootElement);
        }
        catch (JsonException)
        {
            detail = response.ReasonPhrase ?? "";
        }

        throw new HttpRequestException($"{(int)response.StatusCode}: {detail}", null, response.StatusCode);
    }

    private static string Detail(JsonElement problem) =>
        problem.ValueKind == JsonValueKind.Object && problem.TryGetProperty("detail", out JsonElement detail) ? detail.ToString() : problem.ToString();

    private sealed record Model(string Name, bool Chats, int Positions);
}
