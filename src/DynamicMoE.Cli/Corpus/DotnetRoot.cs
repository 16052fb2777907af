using System.Runtime.InteropServices;

namespace DynamicMoE.Cli.Corpus;

/// <summary>Finds the folder that holds the installed .NET SDK and its reference packs.</summary>
public static class DotnetRoot
{
    /// <summary>Looks at DOTNET_ROOT, then at the running runtime, then at <c>dotnet</c> on the PATH.</summary>
    /// <returns>The first of these folders that has a <c>packs</c> folder, or null.</returns>
    public static string? Find() => Candidates().FirstOrDefault(root => Directory.Exists(Path.Combine(root, "packs")));

    /// <summary>The highest SDK version under a dotnet root, or null when it holds none.</summary>
    public static string? SdkVersion(string root)
    {
        var folder = Path.Combine(root, "sdk");
        if (!Directory.Exists(folder))
            return null;
        return Directory.EnumerateDirectories(folder)
            .Select(path => Path.GetFileName(path))
            .Where(name => ParseVersion(name) is not null)
            .OrderByDescending(ParseVersion)
            // A release comes after its previews.
            .ThenBy(name => name.Contains('-', StringComparison.Ordinal))
            .ThenByDescending(name => name, StringComparer.Ordinal)
            .FirstOrDefault();
    }

    internal static Version? ParseVersion(string name) => Version.TryParse(name.Split('-')[0], out var version) ? version : null;

    // DOTNET_ROOT and PATH are how an SDK is found, and are read here only.
#pragma warning disable RS0030
    private static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } configured)
            yield return configured;

        // <root>/shared/Microsoft.NETCore.App/<version>/
        var runtime = RuntimeEnvironment.GetRuntimeDirectory();
        yield return Path.GetFullPath(Path.Combine(runtime, "..", "..", ".."));

        var executable = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            var path = Path.Combine(folder, executable);
            if (folder.Length == 0 || !File.Exists(path))
                continue;
            var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
            yield return Path.GetDirectoryName(target)!;
        }
    }
#pragma warning restore RS0030
}
