using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary><c>POST /v1/feedback</c>.</summary>
internal sealed class FeedbackEndpoint(IInferenceService service)
{
    /// <summary>Fields of the body.</summary>
    public static readonly string[] Fields = ["performance_score"];

    public async Task RunAsync(HttpContext context)
    {
        double score = await JsonBody.ReadAsync(
            context.Request,
            Fields,
            strict: true,
            fields => fields.Number("performance_score", 0, 1) ?? throw new ProblemException(Problems.Missing("performance_score")),
            context.RequestAborted).ConfigureAwait(false);
        await JsonAnswer.SendAsync(context, new FeedbackAnswer(service.Feedback(score)), ApiJsonContext.Default.FeedbackAnswer).ConfigureAwait(false);
    }
}
