using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace DynamicMoE.Server;

/// <summary>Who sent a request.</summary>
/// <param name="Key">The key it came with, or null.</param>
/// <param name="HasUnknownKey">Whether it came with a key that is not valid.</param>
/// <param name="Address">Where it came from.</param>
/// <param name="IsLocal">Whether it came from this machine and no proxy says that it passed it on.</param>
internal sealed record Caller(ApiKey? Key, bool HasUnknownKey, IPAddress? Address, bool IsLocal)
{
    private const string Scheme = "Bearer ";

    /// <summary>The caller that <see cref="Identify"/> found.</summary>
    public static Caller Of(HttpContext context) => context.Features.Get<Caller>() ?? new Caller(null, false, null, false);

    /// <summary>Finds out who sent a request, for what comes later in the pipeline.</summary>
    public static void Identify(HttpContext context, ApiKeyStore keys)
    {
        IPAddress? address = context.Connection.RemoteIpAddress;
        string? presented = keys.HasFile ? Presented(context.Request.Headers) : null;
        ApiKey? key = presented is null ? null : keys.Find(presented);
        context.Features.Set(new Caller(key, presented is not null && key is null, address, address is not null && IPAddress.IsLoopback(address) && !IsForwarded(context.Request.Headers)));
    }

    private static string? Presented(IHeaderDictionary headers)
    {
        StringValues authorization = headers.Authorization;
        return authorization is [{ } value] && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? value[Scheme.Length..].Trim()
            : headers["X-Api-Key"] is [{ } key] ? key
            : null;
    }

    private static bool IsForwarded(IHeaderDictionary headers) =>
        headers.ContainsKey("Forwarded") || headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("X-Real-IP") || headers.ContainsKey("Via");
}
