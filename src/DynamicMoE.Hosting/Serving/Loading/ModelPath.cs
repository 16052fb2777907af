namespace DynamicMoE.Hosting.Loading;

/// <summary>Paths of models that callers name: whoever may exchange the model is trusted with the service, not with the machine's other files.</summary>
internal static class ModelPath
{
    // What a checkpoint's folder may hold for the loader; other files are not opened.
    private static readonly string[] s_opened = [".json", ".safetensors", ".model", ".jinja"];

    /// <summary>The path as it is opened: relative to the root and within it, if there is one. Links below the root are the operator's, and are followed.</summary>
    /// <exception cref="DynamicMoEException">It leads out of the root.</exception>
    public static string Confine(string path, string? root)
    {
        if (root is null)
        {
            return path;
        }

        string top = Path.GetFullPath(root), whole = Path.GetFullPath(path, top);
        string inside = Path.EndsInDirectorySeparator(top) ? top : top + Path.DirectorySeparatorChar;
        return whole.StartsWith(inside, StringComparison.Ordinal)
            ? whole
            : throw new DynamicMoEException($"model is {Printable.Quote(path)}, a path within serving.model_root is needed.");
    }

    /// <summary>Refuses pipes, devices and the like before they are opened: opening one can wait for ever, and reading it too. They have no length, and no file of a model is empty.</summary>
    /// <exception cref="DynamicMoEException">One of the files that would be opened is empty, or no regular file.</exception>
    /// <exception cref="IOException">The path cannot be looked at.</exception>
    /// <exception cref="UnauthorizedAccessException">The path may not be looked at.</exception>
    public static void RequireRegular(string path)
    {
        if (!Directory.Exists(path))
        {
            RequireRegular(new FileInfo(path));
            return;
        }

        foreach (FileInfo file in new DirectoryInfo(path).EnumerateFiles())
        {
            if (s_opened.Contains(file.Extension, StringComparer.Ordinal))
            {
                RequireRegular(file);
            }
        }
    }

    // What is missing the loader names.
    private static void RequireRegular(FileInfo file)
    {
        FileSystemInfo target = file.Exists ? file.ResolveLinkTarget(returnFinalTarget: true) ?? file : file;
        if (target is FileInfo { Exists: true, Length: 0 })
        {
            throw new DynamicMoEException($"{file.FullName} is empty or no regular file.");
        }
    }
}
