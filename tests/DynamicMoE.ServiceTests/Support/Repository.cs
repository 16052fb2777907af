namespace DynamicMoE.ServiceTests.Support;

/// <summary>Files of the checkout.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Tool => At("src/DynamicMoE.Cli/bin/Release/net10.0/dmoe.dll");

    public static string TinyMoE => At("src/DynamicMoE.Cli/TinyMoE");

    public static string At(string path) => Path.Combine(Root, path);

    /// <summary>A file below src/DynamicMoE.Server/Operations.</summary>
    public static string Operations(string path) => At($"src/DynamicMoE.Server/Operations/{path}");

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DynamicMoE.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests run outside a checkout.");
    }
}
