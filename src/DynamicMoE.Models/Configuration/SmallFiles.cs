namespace DynamicMoE.Models;

/// <summary>How large the files beside the weights may be: what is read at once must not be what a damaged file says.</summary>
internal static class SmallFiles
{
    /// <summary>Bytes that config.json may have.</summary>
    public const int MaxConfigBytes = 1 << 20;

    /// <summary>Bytes that any other one may have.</summary>
    public const int MaxTokenizerBytes = 100_000_000;

    /// <summary>Bytes that a file of this name may have.</summary>
    public static int MaxBytes(string name) => name == PackedSection.Config ? MaxConfigBytes : MaxTokenizerBytes;

    /// <summary>Checks a size.</summary>
    /// <exception cref="ModelConfigurationException">It is too large.</exception>
    public static void Check(IModelFiles files, string name, long bytes)
    {
        if (bytes > MaxBytes(name))
        {
            throw new ModelConfigurationException(files.Place(name), null, $"the file has {bytes} bytes, at most {MaxBytes(name)} are allowed.");
        }
    }
}
