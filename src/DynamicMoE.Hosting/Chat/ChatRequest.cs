using System.Globalization;
using DynamicMoE.Models;
using Microsoft.Extensions.AI;

namespace DynamicMoE.Hosting;

/// <summary>Messages and options of a chat client in this library's terms.</summary>
internal sealed class ChatRequest
{
    public const string Quality = "quality", ExpertsBudget = "experts_budget", MeanExperts = "mean_experts_per_token";

    private const int DefaultMaxTokens = 256;

    private ChatRequest(IReadOnlyList<ChatTurn> turns, ChatOptions? options) => (Turns, Options) = (turns, options);

    public IReadOnlyList<ChatTurn> Turns { get; }

    public ChatOptions? Options { get; }

    public string JoinedText => string.Join('\n', Turns.Select(turn => turn.Content));

    public double? QualityDial => Number(Quality);

    public double? Budget => Number(ExpertsBudget);

    /// <exception cref="NotSupportedException">A message has other contents than text, or tools are asked for.</exception>
    /// <exception cref="ArgumentException">There is no message.</exception>
    public static ChatRequest Of(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        List<ChatTurn> turns = [.. messages.Select(Turn)];
        if (turns.Count == 0)
        {
            throw new ArgumentException("There is no message.", nameof(messages));
        }

        return options?.Tools is not { Count: > 0 }
            ? new ChatRequest(turns, options)
            : throw new NotSupportedException("Tools are not supported.");
    }

    /// <param name="prompt">The prompt.</param>
    /// <param name="positions">Longest sequence of the model: without MaxOutputTokens a quarter of it is asked for, at most 256.</param>
    /// <param name="model">The model that the prompt is for; null: whatever is served.</param>
    public GenerationRequest ToGeneration(string prompt, int positions, ServedModelInfo? model = null) => new()
    {
        Model = model,
        Prompt = prompt,
        MaxTokens = Options?.MaxOutputTokens ?? Math.Clamp(positions / 4, 1, DefaultMaxTokens),
        CutToFit = Options?.MaxOutputTokens is null,
        Temperature = Options?.Temperature ?? 1,
        TopP = Options?.TopP ?? 1,
        Seed = Options?.Seed is long seed ? unchecked((ulong)seed) : null,
        Stop = Options?.StopSequences is { } stops ? [.. stops] : [],
        Quality = (float?)QualityDial,
        ExpertsBudget = Budget,
    };

    private static ChatTurn Turn(ChatMessage message)
    {
        foreach (AIContent content in message.Contents)
        {
            if (content is not TextContent)
            {
                throw new NotSupportedException($"A message has {content.GetType().Name}; only text is supported.");
            }
        }

        return new ChatTurn(message.Role.Value, message.Text, message.AuthorName);
    }

    private double? Number(string name) =>
        Options?.AdditionalProperties is { } more && more.TryGetValue(name, out object? value) && value is IConvertible number
            ? number.ToDouble(CultureInfo.InvariantCulture)
            : null;
}
