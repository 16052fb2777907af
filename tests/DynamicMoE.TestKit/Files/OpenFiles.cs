namespace DynamicMoE.TestKit.Files;

/// <summary>What the kernel says about this process's files.</summary>
public static class OpenFiles
{
    /// <summary>Whether a descriptor or a mapping of this process refers to the path.</summary>
    public static bool Hold(string path)
    {
        if (Map(path))
        {
            return true;
        }

        foreach (string descriptor in Directory.EnumerateFiles("/proc/self/fd"))
        {
            try
            {
                if (new FileInfo(descriptor).LinkTarget == path)
                {
                    return true;
                }
            }
            catch (IOException)
            {
                // Another thread closed it meanwhile.
            }
        }

        return false;
    }

    /// <summary>Whether a mapping of this process refers to the path, also once the file is deleted.</summary>
    public static bool Map(string path) => File.ReadLines("/proc/self/maps").Any(line => IsOf(line, path));

    /// <summary>Bytes of the file's mappings that this process has touched, or the kernel around them.</summary>
    public static long ResidentBytes(string path)
    {
        long kilobytes = 0;
        bool ours = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                kilobytes += ours ? long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) : 0;
            }
            else if (char.IsAsciiHexDigitLower(line[0]))
            {
                ours = IsOf(line, path);
            }
        }

        return kilobytes * 1024;
    }

    private static bool IsOf(string mapping, string path) =>
        mapping.EndsWith(path, StringComparison.Ordinal) || mapping.EndsWith($"{path} (deleted)", StringComparison.Ordinal);
}
