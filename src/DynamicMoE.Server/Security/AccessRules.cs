using System.Net;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>Which callers an endpoint serves.</summary>
internal static class AccessRules
{
    /// <summary>Why a request is refused, or null.</summary>
    public static Refusal? Check(HttpContext context, SecuritySettings settings)
    {
        var caller = Caller.Of(context);
        EndpointMetadataCollection? metadata = context.GetEndpoint()?.Metadata;
        if (metadata?.GetMetadata<IAllowAnonymous>() is not null)
        {
            return null;
        }

        if (caller.HasUnknownKey)
        {
            return Refusal.UnknownKey;
        }

        if (settings.ApiKeyRequired && caller.Key is null)
        {
            return Refusal.NoKey;
        }

        return metadata?.GetMetadata<AdminEndpoint>() is null || MayChange(context, caller, settings) ? null : Refusal.NotAdmin;
    }

    private static bool MayChange(HttpContext context, Caller caller, SecuritySettings settings) =>
        caller.Key is { IsAdmin: true } ||
        (caller.Key is null && !settings.ApiKeyRequired && settings.LocalAdmin && caller.IsLocal && IsOurOwnPage(context.Request));

    // A page of another site that a browser on this machine shows is a caller on this machine too; so is one whose name was made to lead here.
    private static bool IsOurOwnPage(HttpRequest request)
    {
        bool named = request.Host.Host is "localhost" || (IPAddress.TryParse(request.Host.Host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));
        return named && IsSameOrigin(request);
    }

    private static bool IsSameOrigin(HttpRequest request) =>
        request.Headers.Origin.Count == 0 || (request.Headers.Origin is [{ } origin] && origin == $"{request.Scheme}://{request.Host}");
}
