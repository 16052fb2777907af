using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace DynamicMoE.Server;

/// <summary>The page at <c>/</c>. It holds no figures: these it asks the API for, with a key where one is needed.</summary>
internal static class DashboardEndpoints
{
    private const string Prefix = "dashboard/", Index = Prefix + "index.html";

    private static readonly string[] s_methods = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Maps the page and its parts, which anybody may read.</summary>
    public static void MapDashboard(this IEndpointRouteBuilder app)
    {
        foreach (string name in typeof(DashboardEndpoints).Assembly.GetManifestResourceNames())
        {
            if (name.StartsWith(Prefix, StringComparison.Ordinal))
            {
                RequestDelegate send = DashboardFile.Read(name).SendAsync;
                app.MapMethods(name == Index ? "/" : $"/{name}", s_methods, send).WithMetadata(new AllowAnonymousAttribute());
            }
        }
    }
}
