using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace DynamicMoE.Server;

/// <summary>A file of the page, read once from the assembly.</summary>
internal sealed class DashboardFile
{
    private readonly byte[] _bytes;
    private readonly string _type;
    private readonly string _tag;

    private DashboardFile(byte[] bytes, string type)
    {
        (_bytes, _type) = (bytes, type);
        _tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 16))}\"";
    }

    /// <summary>Reads a file.</summary>
    /// <param name="resource">Its name in the assembly; the extension tells what it is.</param>
    public static DashboardFile Read(string resource)
    {
        using Stream stream = typeof(DashboardFile).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The assembly lacks its resource {resource}.");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return new DashboardFile(bytes, Type(Path.GetExtension(resource)));
    }

    /// <summary>Sends it, or 304 to who has it.</summary>
    public Task SendAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.Headers.ETag = _tag;
        // Asked for again each time, so that an upgrade shows at once; unchanged it costs a 304.
        response.Headers.CacheControl = "no-cache";
        if (IsKnown(context.Request.Headers.IfNoneMatch))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        response.ContentType = _type;
        response.ContentLength = _bytes.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.BodyWriter.WriteAsync(_bytes, context.RequestAborted).AsTask();
    }

    private bool IsKnown(StringValues tags)
    {
        foreach (string? line in tags)
        {
            foreach (string tag in (line ?? "").Split(',', StringSplitOptions.TrimEntries))
            {
                // A proxy that compresses makes the tag a weak one; for a GET that is the same.
                if (tag == "*" || (tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag) == _tag)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static string Type(string extension) => extension switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => throw new InvalidOperationException($"The page has no files of the type {extension}."),
    };
}
