namespace DynamicMoE.TestKit.Files;

/// <summary>The folder that holds DynamicMoE.sln.</summary>
public static class RepositoryRoot
{
    /// <summary>Its path, from where the tests lie.</summary>
    public static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DynamicMoE.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("No folder above the tests holds DynamicMoE.sln.");
    }
}
