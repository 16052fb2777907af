using System.Globalization;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server;

/// <summary><c>POST /v1/completions</c> and <c>POST /v1/chat/completions</c>.</summary>
internal sealed class CompletionEndpoints(IInferenceService service, TimeProvider time, ILogger logger)
{
    private readonly ChatTemplateCache _templates = new();

    public async Task CompleteAsync(HttpContext context)
    {
        (CompletionInput input, IAsyncEnumerable<GenerationUpdate> answer) = await BeginAsync(context, CompletionReader.Fields, CompletionReader.Read).ConfigureAwait(false);
        await RunAsync(context, input, new TextShape(NewId("cmpl-"), Now(), input.Model.Name, input.IncludeUsage), answer).ConfigureAwait(false);
    }

    public async Task ChatAsync(HttpContext context)
    {
        (CompletionInput input, IAsyncEnumerable<GenerationUpdate> answer) = await BeginAsync(
            context, ChatReader.Fields, (fields, model) => ChatReader.Read(fields, model, _templates.Get)).ConfigureAwait(false);
        await RunAsync(context, input, new ChatShape(NewId("chatcmpl-"), Now(), input.Model.Name, input.IncludeUsage), answer).ConfigureAwait(false);
    }

    // A request that met an exchange of the model is read anew, so that template, limits and name in the answer are those of the model that answers.
    private async Task<(CompletionInput Input, IAsyncEnumerable<GenerationUpdate> Answer)> BeginAsync(
        HttpContext context, string[] known, Func<JsonFields, ServedModelInfo, CompletionInput> read)
    {
        service.ThrowIfUnavailable();
        using PooledBytes body = await JsonBody.ReadAsync(context.Request, context.RequestAborted).ConfigureAwait(false);
        for (int attempt = 1; ; attempt++)
        {
            ServedModelInfo model = service.Model;
            CompletionInput input = JsonBody.Parse(body.Memory, known, strict: false, fields => read(fields, model));
            try
            {
                return (input, service.GenerateAsync(input.Request, context.RequestAborted));
            }
            catch (ModelExchangedException) when (attempt < ModelExchange.MostAttempts)
            {
                continue;
            }
        }
    }

    private async Task RunAsync(HttpContext context, CompletionInput input, CompletionShape shape, IAsyncEnumerable<GenerationUpdate> generated)
    {
        CancellationToken gone = context.RequestAborted;
        IAsyncEnumerator<GenerationUpdate> updates = generated.GetAsyncEnumerator(gone);
        await using (updates.ConfigureAwait(false))
        {
            if (input.Stream)
            {
                await StreamAsync(context, input, shape, updates).ConfigureAwait(false);
                return;
            }

            var answer = new Generated(input.IncludeExperts);
            while (await updates.MoveNextAsync().ConfigureAwait(false))
            {
                answer.Add(updates.Current, keepText: true);
            }

            WriteHeaders(context.Response.Headers, answer.Ceiling);
            if (answer.Mean is { } mean)
            {
                context.Response.Headers[ReplyHeaders.MeanExperts] = mean.ToString("0.####", CultureInfo.InvariantCulture);
            }

            await shape.SendAsync(context, answer).ConfigureAwait(false);
        }
    }

    private async Task StreamAsync(HttpContext context, CompletionInput input, CompletionShape shape, IAsyncEnumerator<GenerationUpdate> updates)
    {
        CancellationToken gone = context.RequestAborted;

        // Until the first token there is no answer yet, and an error is one with a status.
        bool more = await updates.MoveNextAsync().ConfigureAwait(false);
        WriteHeaders(context.Response.Headers, more ? updates.Current.ExpertsCeiling : null);
        using var events = new EventStream(context);
        try
        {
            var answer = new Generated(input.IncludeExperts);
            await shape.BeginAsync(events, gone).ConfigureAwait(false);
            for (; more; more = await updates.MoveNextAsync().ConfigureAwait(false))
            {
                GenerationUpdate update = updates.Current;
                answer.Add(update, keepText: false);
                TokenExperts? experts = answer.Experts(update);
                if (update.Text.Length > 0 || experts is not null)
                {
                    await shape.SendAsync(events, update, experts, gone).ConfigureAwait(false);
                }
            }

            if (input.IncludeUsage)
            {
                await shape.SendAsync(events, answer.Usage, gone).ConfigureAwait(false);
            }

            await events.DoneAsync(gone).ConfigureAwait(false);
        }
        catch (Exception error) when (!gone.IsCancellationRequested)
        {
            await events.FailAsync(ProblemMiddleware.Describe(error, context, logger), gone).ConfigureAwait(false);
        }
    }

    private static void WriteHeaders(IHeaderDictionary headers, double? ceiling)
    {
        if (ceiling is { } value)
        {
            headers[ReplyHeaders.ExpertsCeiling] = ReplyHeaders.Ceiling(value);
        }
    }

    private long Now() => time.GetUtcNow().ToUnixTimeSeconds();

    private static string NewId(string prefix) => prefix + Guid.NewGuid().ToString("N");
}
