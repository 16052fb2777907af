using System.Globalization;
using System.Text.Json;
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
        new(403, "admin_needed", "The request changes the service", "It needs a key of the role admin; without keys, a caller on the service's own machine.");

    public static Refusal Compressed { get; } =
        new(415, "unsupported_content_encoding", "The body is compressed", "Only Content-Encoding: identity is taken.");

    public static Refusal NotFound { get; } = new(404, "not_found", "There is nothing here", "This port has no such path.");

    public static Refusal WrongMethod { get; } = new(405, "method_not_allowed", "The method is not allowed", "Only GET and HEAD are.");

    public static Refusal TooLarge(long limit) =>
        new(413, "body_too_large", "The body is too large", $"The body is above {limit.ToString(CultureInfo.InvariantCulture)} bytes.");

    public static Refusal TooMany(TimeSpan wait) =>
        new(429, "rate_limit", "Too many requests", $"The limit of requests per hour is reached; there is room in {Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture)} s.");

    /// <summary>Answers with it. Nothing was sent before.</summary>
    public Task SendAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.StatusCode = Status;
        response.ContentType = "application/problem+json";
        response.Headers.CacheControl = "no-store";
        if (Status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }

        byte[] body = Document();
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(body, 0, body.Length, context.RequestAborted);
    }

    private byte[] Document()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, $"urn:dynamicmoe:problem:{Code}");
            json.WriteString("title"u8, Title);
            json.WriteNumber("status"u8, Status);
            json.WriteString("detail"u8, Detail);
            json.WriteString("code"u8, Code);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
