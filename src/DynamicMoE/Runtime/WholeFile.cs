namespace DynamicMoE;

/// <summary>A file that appears under its name once it is whole: it is written beside its place and renamed.</summary>
internal sealed class WholeFile : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private readonly bool _overwrite;
    private readonly FileStream _stream;
    private bool _done;

    /// <exception cref="ArgumentException">The path is null or empty.</exception>
    /// <exception cref="IOException">The path is taken or a folder, or its folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    internal WholeFile(string path, bool overwrite)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            throw new IOException($"'{path}' is a folder, the path of a file is needed.");
        }

        if (!overwrite && File.Exists(path))
        {
            throw new IOException($"'{path}' exists and would be replaced.");
        }

        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path))))
        {
            throw new DirectoryNotFoundException($"The folder of '{path}' does not exist.");
        }

        _path = path;
        _overwrite = overwrite;
        _temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        _stream = new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
    }

    internal Stream Stream => _stream;

    /// <summary>Puts the file into its place.</summary>
    internal void Commit()
    {
        // On disk before it has its name: a crash must not leave a name without contents.
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
        File.Move(_temporary, _path, _overwrite);
        _done = true;
    }

    /// <summary>Removes what was written, unless it was put into its place.</summary>
    public void Dispose()
    {
        if (_done)
        {
            return;
        }

        try
        {
            _stream.Dispose();
        }
        finally
        {
            File.Delete(_temporary);
        }
    }
}
