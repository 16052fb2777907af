namespace DynamicMoE.Models;

/// <summary>The small files of a model, by name: in a folder, or in a packed file.</summary>
internal interface IModelFiles
{
    /// <summary>Whether there is a file of this name.</summary>
    bool Has(string name);

    /// <summary>Where it is, for messages.</summary>
    string Place(string name);

    /// <summary>Opens a file that is there. Its size is checked before it is read.</summary>
    /// <exception cref="ModelConfigurationException">It is larger than <see cref="SmallFiles.MaxBytes"/> allows.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="CheckpointFormatException">It is in a packed file and its checksum is wrong.</exception>
    Stream OpenFile(string name);
}
