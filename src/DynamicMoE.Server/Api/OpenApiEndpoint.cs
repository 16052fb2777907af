using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary><c>GET /v1/openapi.json</c>: the document beside this file.</summary>
internal static class OpenApiEndpoint
{
    private static readonly byte[] Document = Read();

    public static Task SendAsync(HttpContext context)
    {
        context.Response.ContentType = MediaTypes.Json;
        context.Response.ContentLength = Document.Length;
        return context.Response.BodyWriter.WriteAsync(Document, context.RequestAborted).AsTask();
    }

    /// <summary>The bytes that are sent.</summary>
    public static byte[] Read()
    {
        using Stream resource = typeof(OpenApiEndpoint).Assembly.GetManifestResourceStream("openapi.json")
            ?? throw new InvalidOperationException("The assembly lacks its resource openapi.json.");
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }
}
