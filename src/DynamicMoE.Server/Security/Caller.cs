using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace DynamicMoE.Server;

/// <summary>Who sent a request.</summary>
/// <param name="Key">The key it came with, or null.</param>
/// <param name="HasUnknownKey">Whether it came with a key that is not valid.</param>
/// <param name="Address">Where it came from.</param>
/// <param name="IsLocal">Whether it came from this machine and nothing shows that a proxy passed it on. A proxy that hides itself is not seen.</param>
internal sealed record Caller(ApiKey? Key, bool HasUnknownKey, IPAddress? Address, bool IsLocal)
{
    private const string Scheme = "Bearer ";

    // Begins of the names of headers that proxies add.
    private static readonly string[] s_marks = ["Forwarded", "X-Forwarded", "X-Real-IP", "X-Original", "X-Envoy", "X-Client-IP", "True-Client-IP", "CF-", "Via"];

    /// <summary>The caller that <see cref="Identify"/> found.</summary>
    public static Caller Of(HttpContext context) => context.Features.Get<Caller>() ?? new Caller(null, false, null, false);

    /// <summary>Finds out who sent a request, for what comes later in the pipeline.</summary>
    public static void Identify(HttpContext context, ApiKeyStore keys)
    {
        IPAddress? address = context.Connection.RemoteIpAddress;
        string? presented = keys.HasFile ? Presented(context.Request.Headers) : null;
        ApiKey? key = presented is null ? null : keys.Find(presented);
        bool local = address is not null && IPAddress.IsLoopback(address) && !IsForwarded(context.Request);
        context.Features.Set(new Caller(key, presented is not null && key is null, address, local));
    }

    private static string? Presented(IHeaderDictionary headers)
    {
        StringValues authorization = headers.Authorization;
        return authorization is [{ } value] && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? value[Scheme.Length..].Trim()
            : headers["X-Api-Key"] is [{ } key] ? key
            : null;
    }

    // HTTP/1.0 is what nginx speaks to those behind it unless told otherwise; people and programs of today do not.
    private static bool IsForwarded(HttpRequest request)
    {
        if (HttpProtocol.IsHttp10(request.Protocol))
        {
            return true;
        }

        foreach ((string name, _) in request.Headers)
        {
            if (Array.Exists(s_marks, mark => name.StartsWith(mark, StringComparison.OrdinalIgnoreCase)))
            {
                return true;
            }
        }

        return false;
    }
}
