using Microsoft.Extensions.DependencyInjection;

namespace DynamicMoE.Hosting;

/// <summary>What is put around the router. The one place where wrappers join, from the inside out: settings come from <see cref="SettingsMonitor"/>; a wrapper does
/// not own what it wraps, so that each part is the container's.</summary>
internal static class RouterComposition
{
    internal static IRouter Create(IServiceProvider services) => services.GetRequiredService<DynamicRouter>();
}
