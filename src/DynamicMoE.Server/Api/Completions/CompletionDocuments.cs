using System.Text.Json;
using System.Text.Json.Serialization;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>Answer of <c>/v1/completions</c>, or one event of its stream.</summary>
internal sealed record CompletionDocument(string Id, long Created, string Model, IReadOnlyList<CompletionChoice> Choices)
{
    public string Object { get; } = "text_completion";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public AskedUsage Usage { get; init; }
}

/// <summary>The one answer.</summary>
internal sealed record CompletionChoice(string Text, FinishReason? FinishReason, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TokenExperts? Dynamicmoe)
{
    public int Index { get; }

    /// <summary>Not supported, and there all the same: clients read it.</summary>
    public string? Logprobs { get; }
}

/// <summary>Answer of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatDocument(string Id, long Created, string Model, IReadOnlyList<ChatChoice> Choices, Usage Usage)
{
    public string Object { get; } = "chat.completion";
}

/// <summary>The one answer.</summary>
internal sealed record ChatChoice(ChatMessage Message, FinishReason? FinishReason, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TokenExperts? Dynamicmoe)
{
    public int Index { get; }

    /// <summary>Not supported, and there all the same: clients read it.</summary>
    public string? Logprobs { get; }
}

/// <summary>Who said what.</summary>
internal sealed record ChatMessage(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Content);

/// <summary>One event of the stream of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatChunk(string Id, long Created, string Model, IReadOnlyList<ChatChunkChoice> Choices)
{
    public string Object { get; } = "chat.completion.chunk";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public AskedUsage Usage { get; init; }
}

/// <summary>A part of the one answer.</summary>
internal sealed record ChatChunkChoice(ChatMessage Delta, FinishReason? FinishReason, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TokenExperts? Dynamicmoe)
{
    public int Index { get; }

    /// <summary>Not supported, and there all the same: clients read it.</summary>
    public string? Logprobs { get; }
}

/// <summary>Tokens that were counted.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens)
{
    public int TotalTokens => PromptTokens + CompletionTokens;
}

/// <summary>A count of tokens that was asked for: null until the last event of a stream. Left out where nobody asked.</summary>
/// <param name="Asked">Whether it was.</param>
/// <param name="Value">The count, or null.</param>
[JsonConverter(typeof(AskedUsageConverter))]
internal readonly record struct AskedUsage(bool Asked, Usage? Value);

/// <summary>Writes the count or null.</summary>
internal sealed class AskedUsageConverter : JsonConverter<AskedUsage>
{
    public override AskedUsage Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

    public override void Write(Utf8JsonWriter writer, AskedUsage value, JsonSerializerOptions options)
    {
        if (value.Value is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            JsonSerializer.Serialize(writer, value.Value, ApiJsonContext.Default.Usage);
        }
    }
}

/// <summary>Experts of generated tokens, beside OpenAI's fields.</summary>
internal sealed record TokenExperts
{
    /// <summary>Of the whole answer: mean experts per token and layer. In an answer, and in the last event of a stream.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MeanExpertsPerToken { get; init; }

    /// <summary>Most mean experts per token that overload allowed; null: no ceiling was in force.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ExpertsCeiling { get; init; }

    /// <summary>Mean experts per layer of each token, where they were asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? Experts { get; init; }

    /// <summary>Ids of the tokens, where experts were asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? TokenIds { get; init; }
}
