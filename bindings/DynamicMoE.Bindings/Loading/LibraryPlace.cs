namespace DynamicMoE.Bindings;

/// <summary>One place to look for the library, and who named it.</summary>
/// <param name="Path">A file, or a bare file name for the system's own search.</param>
/// <param name="Origin">Who named it, for messages.</param>
internal sealed record LibraryPlace(string Path, string Origin)
{
    internal const string FileName = "libdynamicmoe.so";

    /// <summary>Places in the order in which they are tried. A place that the user named is the only one.</summary>
    /// <param name="explicitPath">Set in code; null or empty when it was not.</param>
    /// <param name="environmentPath">Value of the environment variable; null or empty when it is not set.</param>
    /// <param name="baseDirectory">Folder of the application.</param>
    /// <param name="rid">Runtime identifier, the folder name inside a package.</param>
    internal static IReadOnlyList<LibraryPlace> List(string? explicitPath, string? environmentPath, string baseDirectory, string rid)
    {
        if (!string.IsNullOrEmpty(explicitPath))
            return [new LibraryPlace(FileIn(explicitPath), "path set in code")];
        if (!string.IsNullOrEmpty(environmentPath))
            return [new LibraryPlace(FileIn(environmentPath), NativeLibraryLocator.PathVariable)];
        return
        [
            new LibraryPlace(System.IO.Path.Combine(baseDirectory, FileName), "application folder"),
            new LibraryPlace(System.IO.Path.Combine(baseDirectory, "runtimes", rid, "native", FileName), "package layout"),
            new LibraryPlace(FileName, "system search"),
        ];
    }

    private static string FileIn(string path) =>
        Directory.Exists(path) ? System.IO.Path.Combine(path, FileName) : path;

    public override string ToString() => $"{Path} ({Origin})";
}
