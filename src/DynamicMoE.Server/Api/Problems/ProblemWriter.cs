using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace DynamicMoE.Server;

/// <summary>Writes problems as documents.</summary>
internal static class ProblemWriter
{
    /// <summary>Answers with a problem. Nothing was sent before.</summary>
    public static Task SendAsync(HttpContext context, Problem problem)
    {
        HttpResponse response = context.Response;
        response.StatusCode = problem.Status;
        response.ContentType = Problem.MediaType;
        response.Headers.CacheControl = "no-store";
        if (problem.RetryAfter is { } wait && !response.Headers.ContainsKey(HeaderNames.RetryAfter))
        {
            response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        var buffer = new ArrayBufferWriter<byte>(512);
        Write(buffer, problem, context.GetEndpoint()?.Metadata.GetMetadata<OpenAiEndpoint>() is not null);
        response.ContentLength = buffer.WrittenCount;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.BodyWriter.WriteAsync(buffer.WrittenMemory).AsTask();
    }

    /// <summary>Writes the document.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="problem">The problem.</param>
    /// <param name="openAi">Whether it has the member <c>error</c>, which clients of OpenAI's API read.</param>
    public static void Write(IBufferWriter<byte> output, Problem problem, bool openAi)
    {
        using var json = new Utf8JsonWriter(output, ApiJson.WriterOptions);
        json.WriteStartObject();
        json.WriteString("type"u8, Problem.TypePrefix + problem.Code);
        json.WriteString("title"u8, problem.Title);
        json.WriteNumber("status"u8, problem.Status);
        json.WriteString("detail"u8, problem.Detail);
        json.WriteString("code"u8, problem.Code);
        if (problem.Field is not null)
        {
            json.WriteString("field"u8, problem.Field);
        }

        if (problem.Place is var (line, position))
        {
            json.WriteNumber("line"u8, line);
            json.WriteNumber("position"u8, position);
        }

        if (problem.RequestId is not null)
        {
            json.WriteString("request_id"u8, problem.RequestId);
        }

        if (openAi)
        {
            WriteError(json, problem);
        }

        json.WriteEndObject();
    }

    private static void WriteError(Utf8JsonWriter json, Problem problem)
    {
        json.WriteStartObject("error"u8);
        json.WriteString("message"u8, problem.Detail);
        json.WriteString("type"u8, problem.Status switch
        {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            >= 500 => "server_error",
            _ => "invalid_request_error",
        });
        if (problem.Field is null)
        {
            json.WriteNull("param"u8);
        }
        else
        {
            json.WriteString("param"u8, problem.Field);
        }

        json.WriteString("code"u8, problem.Code);
        json.WriteEndObject();
    }
}
