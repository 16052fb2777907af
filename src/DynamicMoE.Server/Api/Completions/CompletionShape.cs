using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>How an answer of one endpoint is written.</summary>
/// <param name="id">Id of the answer.</param>
/// <param name="created">When it was asked for, seconds since 1970.</param>
/// <param name="model">Name of the model.</param>
/// <param name="counts">Whether a stream ends with the count of tokens.</param>
internal abstract class CompletionShape(string id, long created, string model, bool counts)
{
    protected string Id { get; } = id;

    protected long Created { get; } = created;

    protected string Model { get; } = model;

    /// <summary>The count of tokens in events before the last.</summary>
    protected AskedUsage NotYet { get; } = new(counts, null);

    /// <summary>Sends the whole answer.</summary>
    public abstract Task SendAsync(HttpContext context, Generated answer);

    /// <summary>Sends what comes before the first token.</summary>
    public virtual ValueTask BeginAsync(EventStream events, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Sends a token.</summary>
    public abstract ValueTask SendAsync(EventStream events, GenerationUpdate update, TokenExperts? experts, CancellationToken cancellationToken);

    /// <summary>Sends the count of tokens.</summary>
    public abstract ValueTask SendAsync(EventStream events, Usage usage, CancellationToken cancellationToken);
}

/// <summary><c>/v1/completions</c>.</summary>
internal sealed class TextShape(string id, long created, string model, bool counts) : CompletionShape(id, created, model, counts)
{
    public override Task SendAsync(HttpContext context, Generated answer) => JsonAnswer.SendAsync(
        context,
        Document(new CompletionChoice(answer.Text, answer.Finish, answer.Experts())) with { Usage = new AskedUsage(true, answer.Usage) },
        ApiJsonContext.Default.CompletionDocument);

    public override ValueTask SendAsync(EventStream events, GenerationUpdate update, TokenExperts? experts, CancellationToken cancellationToken) =>
        events.SendAsync(Document(new CompletionChoice(update.Text, update.FinishReason, experts)), ApiJsonContext.Default.CompletionDocument, cancellationToken);

    public override ValueTask SendAsync(EventStream events, Usage usage, CancellationToken cancellationToken) =>
        events.SendAsync(Document() with { Usage = new AskedUsage(true, usage) }, ApiJsonContext.Default.CompletionDocument, cancellationToken);

    private CompletionDocument Document(params CompletionChoice[] choices) => new(Id, Created, Model, choices) { Usage = NotYet };
}

/// <summary><c>/v1/chat/completions</c>.</summary>
internal sealed class ChatShape(string id, long created, string model, bool counts) : CompletionShape(id, created, model, counts)
{
    private const string Role = "assistant";

    public override Task SendAsync(HttpContext context, Generated answer) => JsonAnswer.SendAsync(
        context,
        new ChatDocument(Id, Created, Model, [new ChatChoice(new ChatMessage(Role, answer.Text), answer.Finish, answer.Experts())], answer.Usage),
        ApiJsonContext.Default.ChatDocument);

    public override ValueTask BeginAsync(EventStream events, CancellationToken cancellationToken) =>
        events.SendAsync(Chunk(new ChatChunkChoice(new ChatMessage(Role, ""), null, null)), ApiJsonContext.Default.ChatChunk, cancellationToken);

    public override ValueTask SendAsync(EventStream events, GenerationUpdate update, TokenExperts? experts, CancellationToken cancellationToken) =>
        events.SendAsync(
            Chunk(new ChatChunkChoice(new ChatMessage(null, update.Text.Length > 0 ? update.Text : null), update.FinishReason, experts)),
            ApiJsonContext.Default.ChatChunk,
            cancellationToken);

    public override ValueTask SendAsync(EventStream events, Usage usage, CancellationToken cancellationToken) =>
        events.SendAsync(Chunk() with { Usage = new AskedUsage(true, usage) }, ApiJsonContext.Default.ChatChunk, cancellationToken);

    private ChatChunk Chunk(params ChatChunkChoice[] choices) => new(Id, Created, Model, choices) { Usage = NotYet };
}
