using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>A request that does not reach its endpoint, as RFC 9457 has it.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">Stable, for programs; the reason in the metrics too.</param>
/// <param name="Title">One per code.</param>
/// <param name="Detail">What is wrong.</param>
internal sealed record Refusal(int Status, string Code, string Title, string Detail)
{
    public static Refusal NoKey { get; } = new(401, "api_key_missing", "An API key is needed", "Send it as Authorization: Bearer KEY or X-Api-Key: KEY.");

    public static Refusal UnknownKey { get; } = new(401, "api_key_unknown", "The API key is not valid", "The key of this request is not among those that are admitted.");

    public static Refusal NotAdmin { get; } =
        new(403, "admin_needed", "The request changes the service", "It needs a key of the role admin; where no keys are required and security.local_admin is true, a caller on the service's own machine.");

    public static Refusal Compressed { get; } =
        new(415, "unsupported_content_encoding", "The body is compressed", "Only Content-Encoding: identity is taken.");

    public static Refusal NotFound { get; } = new(404, "not_found", "There is nothing here", "This port has no such path.");

    public static Refusal WrongMethod { get; } = new(405, "method_not_allowed", "The method is not allowed", "Only GET and HEAD are.");

    public static Refusal TooLarge(long limit) =>
        new(413, "body_too_large", "The body is too large", $"The body is above {limit.ToString(CultureInfo.InvariantCulture)} bytes.");

    public static Refusal TooMany(TimeSpan wait) =>
        new(429, "rate_limited", "Too many requests", $"The limit of requests per hour is reached; there is room in {Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture)} s.");

    /// <summary>Answers with it. Nothing was sent before.</summary>
    public Task SendAsync(HttpContext context)
    {
        if (Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        return ProblemWriter.SendAsync(context, new Problem(Status, Code, Title, Detail));
    }
}
