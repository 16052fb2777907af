namespace DynamicMoE.ServiceLoad;

/// <summary>The tool that the repository has built.</summary>
internal static class BuiltServer
{
    /// <exception cref="FileNotFoundException">There is none in this configuration.</exception>
    public static string Find()
    {
        string[] own = AppContext.BaseDirectory.TrimEnd('/').Split('/');
        string path = Path.Combine(Repository(), "src/DynamicMoE.Cli/bin", own[^2], own[^1], "dmoe.dll");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is missing; --server names another.");
    }

    /// <summary>The folder of TinyMoE's checkpoint.</summary>
    public static string TinyMoE(string server) => Path.Combine(Path.GetDirectoryName(server)!, "TinyMoE");

    private static string Repository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DynamicMoE.sln")))
            {
                return folder.FullName;
            }
        }

        throw new FileNotFoundException("This program is not inside the repository; --server names dmoe.dll.");
    }
}
