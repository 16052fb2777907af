using System.Runtime.InteropServices;

namespace DynamicMoE.Bindings;

/// <summary>Platforms that a native library is made for.</summary>
internal static class Platform
{
    internal static IReadOnlyList<string> Supported { get; } = ["linux-x64"];

    /// <summary>Runtime identifier of this process without distribution and version.</summary>
    internal static string Current { get; } =
        $"{System()}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    /// <exception cref="PlatformNotSupportedException">The platform is not in <see cref="Supported"/>.</exception>
    internal static void ThrowIfUnsupported(string rid)
    {
        if (!Supported.Contains(rid))
            throw new PlatformNotSupportedException($"DynamicMoE has no native library for {rid}. Supported: {string.Join(", ", Supported)}.");
    }

    private static string System() =>
        OperatingSystem.IsLinux() ? "linux"
        : OperatingSystem.IsWindows() ? "win"
        : OperatingSystem.IsMacOS() ? "osx"
        : "unknown";
}
