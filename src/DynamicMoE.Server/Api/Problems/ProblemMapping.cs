using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace DynamicMoE.Server;

/// <summary>Which problem an exception or a bare status is. What is not listed is an internal error, whose message stays in the log.</summary>
internal static class ProblemMapping
{
    /// <summary>The problem of an exception; null: not the caller's business.</summary>
    public static Problem? Of(Exception error) => error switch
    {
        ProblemException known => known.Problem,
        ServiceUnavailableException busy => Of(busy),
        ModelExchangedException => new Problem(503, "model_exchanged", "The model was exchanged", error.Message) { RetryAfter = TimeSpan.FromSeconds(1) },
        RoutingValidationException => new Problem(422, "routing_validation", "The request cannot be run", error.Message),
        ExpertDispatchException => new Problem(422, "expert_failed", "An expert gave a value that is not finite", error.Message),
        LoadBalancingException => new Problem(422, "too_few_experts", "Too few experts can be chosen", error.Message),
        CircuitOpenException open => new Problem(503, "circuit_open", "The circuit breaker is open", error.Message) { RetryAfter = open.RetryAfter },
        DynamicMoEMemoryException or OutOfMemoryException => new Problem(503, "out_of_memory", "Memory is short", "Memory for this request could not be had.") { RetryAfter = TimeSpan.FromSeconds(1) },
        BadHttpRequestException bad => Of(bad.StatusCode, bad.Message),

        // Kestrel's reader of chunks tells a size above 32 bits so, unlike one that is no number.
        IOException { InnerException: OverflowException } chunk => Of(StatusCodes.Status400BadRequest, chunk.Message),
        _ => null,
    };

    /// <summary>The problem of a status that something in front of the endpoints set.</summary>
    public static Problem Of(int status, string? detail = null) => status switch
    {
        400 => new Problem(status, "bad_request", "The request is not valid HTTP", detail ?? "The request is not valid HTTP."),
        401 => new Problem(status, "unauthorized", "A key is needed", detail ?? "The request has no valid API key."),
        403 => new Problem(status, "forbidden", "The key does not allow this", detail ?? "The request is not allowed."),
        404 => new Problem(status, "not_found", "There is nothing here", detail ?? "The path is not one of the API; /v1/openapi.json lists them."),
        405 => new Problem(status, "method_not_allowed", "The method is not allowed here", detail ?? "The method is not allowed here; the header Allow has those that are."),
        408 => new Problem(status, "request_timeout", "The request came too slowly", detail ?? "The request came too slowly."),
        413 => Problems.BodyTooLarge(null),
        429 => new Problem(status, "rate_limited", "Too many requests", detail ?? "The caller's limit is reached."),
        _ => new Problem(status, $"http_{status}", ReasonPhrases.GetReasonPhrase(status), detail ?? $"The request ended with status {status}."),
    };

    private static Problem Of(ServiceUnavailableException busy) => busy.State switch
    {
        ServiceState.Running => new Problem(429, "overloaded", "The service is full", busy.Message) { RetryAfter = AtLeastOneSecond(busy.RetryAfter) },
        ServiceState.Starting => new Problem(503, "starting", "The service starts", busy.Message) { RetryAfter = AtLeastOneSecond(busy.RetryAfter) },
        ServiceState.Draining => new Problem(503, "draining", "The service stops", busy.Message) { RetryAfter = AtLeastOneSecond(busy.RetryAfter) },
        ServiceState.Stopped => new Problem(503, "stopped", "The service has stopped", busy.Message) { RetryAfter = AtLeastOneSecond(busy.RetryAfter) },
        _ => new Problem(503, "failed", "The service is not able to answer", "The service is not able to answer; its log has the cause.") { RetryAfter = TimeSpan.FromSeconds(30) },
    };

    private static TimeSpan AtLeastOneSecond(TimeSpan time) => time < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : time;
}
