namespace DynamicMoE.Architecture.Tests.Sources;

/// <summary>The files of the repository, without what builds leave behind.</summary>
internal static class Repository
{
    private static readonly HashSet<string> BuildFolders = ["bin", "obj", "artifacts", "TestResults", "BenchmarkDotNet.Artifacts"];

    /// <summary>The folder that holds DynamicMoE.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Files below a folder with one of the extensions, as paths from the root with '/'.</summary>
    public static IReadOnlyList<string> Files(string folder, params string[] extensions)
    {
        var found = new List<string>();
        var start = new DirectoryInfo(Path.Combine(Root, folder));
        if (start.Exists)
            Collect(start, extensions, found);
        found.Sort(StringComparer.Ordinal);
        return found;
    }

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    public static bool Exists(string path) => File.Exists(Path.Combine(Root, path));

    /// <summary>Whether a name is left by a build or belongs to a tool (dot names).</summary>
    public static bool IsIgnored(string name) => name.StartsWith('.') || BuildFolders.Contains(name);

    private static void Collect(DirectoryInfo folder, string[] extensions, List<string> found)
    {
        foreach (FileInfo file in folder.EnumerateFiles())
        {
            if (extensions.Length == 0 || extensions.Contains(file.Extension))
                found.Add(Path.GetRelativePath(Root, file.FullName).Replace('\\', '/'));
        }

        foreach (DirectoryInfo child in folder.EnumerateDirectories().Where(child => !IsIgnored(child.Name)))
            Collect(child, extensions, found);
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DynamicMoE.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} holds DynamicMoE.sln");
    }
}
