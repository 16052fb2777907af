using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace DynamicMoE.Server;

/// <summary>Turns exceptions, and statuses without a body, into problem documents.</summary>
internal static class ProblemMiddleware
{
    /// <summary>Adds it; what comes before it in the pipeline has to write its own.</summary>
    public static IApplicationBuilder UseProblems(this IApplicationBuilder app)
    {
        ILogger logger = app.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger(Log.Category);
        return app.Use(next => context => RunAsync(context, next, logger));
    }

    private static async Task RunAsync(HttpContext context, RequestDelegate next, ILogger logger)
    {
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (Exception error) when (IsGone(error, context))
        {
            // Nobody reads an answer; 499 is what access logs call this.
            if (!context.Response.HasStarted)
            {
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            }

            return;
        }
        catch (Exception error)
        {
            await FailAsync(context, error, logger).ConfigureAwait(false);
            return;
        }

        HttpResponse response = context.Response;
        if (response.StatusCode >= 400 && !response.HasStarted && response.ContentLength is null && response.ContentType is null)
        {
            await ProblemWriter.SendAsync(context, ProblemMapping.Of(response.StatusCode)).ConfigureAwait(false);
        }
    }

    private static async Task FailAsync(HttpContext context, Exception error, ILogger logger)
    {
        Problem problem = Describe(error, context, logger);
        if (context.Response.HasStarted)
        {
            // A cut answer must not look like a whole one.
            context.Abort();
            return;
        }

        Restart(context);
        await ProblemWriter.SendAsync(context, problem).ConfigureAwait(false);
    }

    // What the endpoint had begun to say goes; what holds for every answer stays.
    private static void Restart(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        StringValues policy = headers[CallerLimiter.PolicyHeader], left = headers[CallerLimiter.LeftHeader];
        context.Response.Clear();
        SecurityHeaders.Set(context);
        headers[CallerLimiter.PolicyHeader] = policy;
        headers[CallerLimiter.LeftHeader] = left;
    }

    /// <summary>The problem of an exception; what is not known is logged.</summary>
    public static Problem Describe(Exception error, HttpContext context, ILogger logger)
    {
        if (error is BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge })
        {
            return Problems.BodyTooLarge(context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize);
        }

        if (ProblemMapping.Of(error) is { } known)
        {
            return known;
        }

        Log.RequestFailed(logger, context.Request.Method, context.GetEndpoint()?.DisplayName ?? "none", context.TraceIdentifier, error);
        return Problems.Internal(context.TraceIdentifier);
    }

    private static bool IsGone(Exception error, HttpContext context) =>
        error is ConnectionResetException or ConnectionAbortedException ||
        (error is OperationCanceledException && context.RequestAborted.IsCancellationRequested);
}
