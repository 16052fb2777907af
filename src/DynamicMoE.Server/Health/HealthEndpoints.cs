using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DynamicMoE.Server;

/// <summary>
/// <c>/healthz/live</c>, <c>/healthz/ready</c> and <c>/healthz/startup</c>: the checks that carry the last word as a tag. 200 when none is unhealthy, else 503.
/// </summary>
internal static class HealthEndpoints
{
    private const string Root = "/healthz/";
    private static readonly string[] s_tags = ["live", "ready", "startup"];

    public static Task HandleAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        string? tag = path.StartsWith(Root, StringComparison.Ordinal) ? Array.Find(s_tags, tag => path.AsSpan(Root.Length).SequenceEqual(tag)) : null;
        if (tag is null)
        {
            return Refusal.NotFound.SendAsync(context);
        }

        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD";
            return Refusal.WrongMethod.SendAsync(context);
        }

        return ReportAsync(context, tag);
    }

    private static async Task ReportAsync(HttpContext context, string tag)
    {
        HealthReport report = await context.RequestServices.GetRequiredService<HealthCheckService>()
            .CheckHealthAsync(check => check.Tags.Contains(tag), context.RequestAborted).ConfigureAwait(false);
        byte[] body = Document(report);
        context.Response.StatusCode = report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentLength = body.Length;
        if (HttpMethods.IsGet(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
        }
    }

    // Exceptions and data of checks may hold paths and addresses, and this port asks for no key.
    private static byte[] Document(HealthReport report)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("status"u8, Name(report.Status));
            json.WriteStartArray("checks"u8);
            foreach ((string name, HealthReportEntry entry) in report.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                json.WriteStartObject();
                json.WriteString("name"u8, name);
                json.WriteString("status"u8, Name(entry.Status));
                if (entry.Exception is null && entry.Description is not null)
                {
                    json.WriteString("description"u8, entry.Description);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static string Name(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };
}
