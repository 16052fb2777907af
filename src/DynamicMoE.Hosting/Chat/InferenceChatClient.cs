using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace DynamicMoE.Hosting;

/// <summary>A chat client over a service of this process. Messages become a prompt by the model's chat template; for a model without one their texts are joined by
/// line ends.</summary>
/// <remarks>Of the options MaxOutputTokens (without it a quarter of the model's positions, at most 256), Temperature, TopP, Seed and StopSequences count, and of the additional properties <c>quality</c> and
/// <c>experts_budget</c> (numbers; see <see cref="GenerationRequest"/>). Tools and contents other than text are refused.</remarks>
public sealed class InferenceChatClient : IChatClient
{
    private const int MostAttempts = 3;

    private readonly IInferenceService _service;
    private readonly ChatTemplateCache _templates = new();

    /// <summary>Makes a client; it does not own the service.</summary>
    /// <param name="service">The service.</param>
    /// <exception cref="ArgumentNullException"><paramref name="service"/> is null.</exception>
    public InferenceChatClient(IInferenceService service)
    {
        ArgumentNullException.ThrowIfNull(service);
        _service = service;
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        (ServedModelInfo model, IAsyncEnumerable<GenerationUpdate> updates) = Begin(ChatRequest.Of(messages, options), cancellationToken);
        string id = $"chat-{Guid.NewGuid():N}";
        int made = 0;
        double experts = 0;
        await foreach (GenerationUpdate update in updates.ConfigureAwait(false))
        {
            made += update.TokenId >= 0 ? 1 : 0;
            experts += update.TokenId >= 0 ? update.Experts : 0;
            var answer = new ChatResponseUpdate(ChatRole.Assistant, update.Text) { MessageId = id, ResponseId = id, ModelId = model.Name };
            if (update.FinishReason is { } reason)
            {
                answer.FinishReason = reason == FinishReason.Stop ? ChatFinishReason.Stop : ChatFinishReason.Length;
                answer.Contents.Add(new UsageContent(new UsageDetails
                {
                    InputTokenCount = update.PromptTokens, OutputTokenCount = made, TotalTokenCount = update.PromptTokens + made,
                }));
                answer.AdditionalProperties = new() { [ChatRequest.MeanExperts] = experts / Math.Max(1, made) };
            }

            yield return answer;
        }
    }

    // The template, and the name in the answer, are those of the model that answers.
    private (ServedModelInfo Model, IAsyncEnumerable<GenerationUpdate> Updates) Begin(ChatRequest request, CancellationToken cancellationToken)
    {
        _service.ThrowIfUnavailable();
        for (int attempt = 1; ; attempt++)
        {
            ServedModelInfo model = _service.Model;
            string prompt = model.ChatTemplate is { } source
                ? _templates.Get(source).Render(request.Turns, model.BosToken ?? "", model.EosToken ?? "")
                : request.JoinedText;
            try
            {
                return (model, _service.GenerateAsync(request.ToGeneration(prompt, model.MaxPositions, model), cancellationToken));
            }
            catch (ModelExchangedException) when (attempt < MostAttempts)
            {
                continue;
            }
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(IInferenceService) ? _service
            : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("dynamicmoe", defaultModelId: _service.Model.Name)
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Does nothing: the service is not the client's.</summary>
    public void Dispose()
    {
    }
}
