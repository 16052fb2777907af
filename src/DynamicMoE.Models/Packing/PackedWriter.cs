namespace DynamicMoE.Models;

/// <summary>Writes a packed file beside its place and puts it there once it is whole, so that nobody sees a part of one.</summary>
internal sealed class PackedWriter : IDisposable
{
    private readonly string _path;
    private readonly bool _overwrite;
    private readonly string _temporary;
    private readonly FileStream _file;
    private readonly List<PackedSection> _sections = [];
    private bool _finished;

    /// <param name="path">Where the file will be.</param>
    /// <param name="sections">Sections that will be added.</param>
    /// <param name="overwrite">Whether a file there is replaced.</param>
    /// <exception cref="IOException">The path is taken, or its folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public PackedWriter(string path, int sections, bool overwrite)
    {
        RequireFree(path, overwrite);
        _path = path;
        _overwrite = overwrite;
        _temporary = $"{path}.{Guid.NewGuid():N}.tmp";

        // Unbuffered: nothing is left to be written, and to fail, when it is closed.
        _file = new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        _file.Position = PackedHeader.BytesFor(sections);
    }

    /// <summary>Fails before any work is done for a path that cannot be written to.</summary>
    public static void RequireFree(string path, bool overwrite)
    {
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
    }

    /// <summary>Adds a section of at least one byte.</summary>
    public void Add(string name, Action<Stream> write)
    {
        long offset = PackedSection.Align(_file.Position);
        _file.Position = offset;
        using var section = new SectionStream(_file);
        write(section);
        _sections.Add(new PackedSection(name, offset, section.Length, section.Checksum));
    }

    /// <summary>Writes the header and puts the file into its place.</summary>
    public void Finish(WeightFormat format)
    {
        _file.Position = 0;
        _file.Write(new PackedHeader(ExpertBank.PackedLayoutVersion, format, _sections).Write());

        // On disk before it has its name: a crash must not leave a name without contents.
        _file.Flush(flushToDisk: true);
        _file.Dispose();
        File.Move(_temporary, _path, _overwrite);
        _finished = true;
    }

    /// <summary>Removes what was written, unless the file is finished.</summary>
    public void Dispose()
    {
        _file.Dispose();
        if (!_finished)
        {
            File.Delete(_temporary);
        }
    }
}
