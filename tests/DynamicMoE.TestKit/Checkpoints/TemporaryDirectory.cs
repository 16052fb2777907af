namespace DynamicMoE.TestKit.Checkpoints;

/// <summary>A directory that is deleted with everything in it.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    /// <summary>Absolute path.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("dynamicmoe-").FullName;

    /// <summary>Path of a file or folder inside.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
