using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>Answers with a JSON document.</summary>
internal static class JsonAnswer
{
    public static Task SendAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        // Written in whole before the first byte is sent: a failure is still a problem document, and the length is known.
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, ApiJson.WriterOptions))
        {
            JsonSerializer.Serialize(json, value, type);
        }

        context.Response.ContentType = MediaTypes.Json;
        context.Response.ContentLength = buffer.WrittenCount;
        return context.Response.BodyWriter.WriteAsync(buffer.WrittenMemory, context.RequestAborted).AsTask();
    }
}
