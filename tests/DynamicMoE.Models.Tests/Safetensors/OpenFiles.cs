namespace DynamicMoE.Models.Tests.Safetensors;

/// <summary>What the kernel says about this process's files.</summary>
internal static class OpenFiles
{
    /// <summary>Whether a descriptor or a mapping of this process refers to the path.</summary>
    public static bool Hold(string path)
    {
        if (File.ReadLines("/proc/self/maps").Any(line => line.EndsWith(path, StringComparison.Ordinal)))
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
}
