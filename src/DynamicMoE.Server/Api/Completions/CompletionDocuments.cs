using System.Text.Json.Serialization;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>Answer of <c>/v1/completions</c>, or one event of its stream.</summary>
internal sealed record CompletionDocument(string Id, long Created, string Model, IReadOnlyList<CompletionChoice> Choices)
{
    public string Object { get; } = "text_completion";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }
}

/// <summary>The one answer.</summary>
internal sealed record CompletionChoice(string Text, FinishReason? FinishReason, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TokenExperts? Dynamicmoe)
{
    public int Index { get; }
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
}

/// <summary>Who said what.</summary>
internal sealed record ChatMessage(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Content);

/// <summary>One event of the stream of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatChunk(string Id, long Created, string Model, IReadOnlyList<ChatChunkChoice> Choices)
{
    public string Object { get; } = "chat.completion.chunk";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }
}

/// <summary>A part of the one answer.</summary>
internal sealed record ChatChunkChoice(ChatMessage Delta, FinishReason? FinishReason, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TokenExperts? Dynamicmoe)
{
    public int Index { get; }
}

/// <summary>Tokens that were counted.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens)
{
    public int TotalTokens => PromptTokens + CompletionTokens;
}

/// <summary>Experts of generated tokens, beside OpenAI's fields.</summary>
internal sealed record TokenExperts
{
    /// <summary>Of the whole answer: mean experts per token and layer. In an answer, and in the last event of a stream.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MeanExpertsPerToken { get; init; }

    /// <summary>What overload left of the budget.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ExpertsCeiling { get; init; }

    /// <summary>Mean experts per layer of each token, where they were asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? Experts { get; init; }

    /// <summary>Ids of the tokens, where experts were asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? TokenIds { get; init; }
}
