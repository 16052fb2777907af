namespace DynamicMoE.Models;

/// <summary>Writes a packed file beside its place and puts it there once it is whole, so that nobody sees a part of one. For one thread.</summary>
internal sealed class PackedWriter : IDisposable
{
    private readonly string _path;
    private readonly int _announced;
    private readonly bool _overwrite;
    private readonly CancellationToken _cancellation;
    private readonly string _temporary;
    private readonly FileStream _file;
    private readonly List<PackedSection> _sections = [];
    private bool _ended;

    /// <param name="path">Where the file will be.</param>
    /// <param name="sections">Sections that will be added, 1..<see cref="PackedHeader.MaxSections"/>; the header is as long as that.</param>
    /// <param name="overwrite">Whether a file there is replaced.</param>
    /// <param name="cancellation">Seen before each part of a section.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="sections"/> is outside its range.</exception>
    /// <exception cref="IOException">The path is taken, or its folder is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public PackedWriter(string path, int sections, bool overwrite, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sections, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sections, PackedHeader.MaxSections);
        RequireFree(path, overwrite);
        _path = path;
        _announced = sections;
        _overwrite = overwrite;
        _cancellation = cancellation;
        _temporary = $"{path}.{Guid.NewGuid():N}.tmp";

        // Unbuffered: nothing is left to be written, and to fail, when it is closed.
        _file = new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        _file.Position = PackedHeader.BytesFor(sections);

        // A process that is told to end does not wait for the thread that writes.
        AppDomain.CurrentDomain.ProcessExit += RemoveTemporary;
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

    /// <summary>Adds a section. One that fails ends the writer: nothing can follow a part of a section.</summary>
    /// <param name="name">As <see cref="PackedSection"/> wants it, not added before.</param>
    /// <param name="write">Writes at least one byte.</param>
    /// <exception cref="InvalidOperationException">All announced sections are there, or the writer ended, or nothing was written.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public void Add(string name, Action<Stream> write)
    {
        Require(!_ended, "the writer ended");
        Require(_sections.Count < _announced, $"{_announced} sections were announced, '{name}' is one more");
        long offset = PackedSection.Align(_file.Position);
        try
        {
            _file.Position = offset;
            using var section = new SectionStream(_file, _cancellation);
            write(section);
            Require(section.Length > 0, $"section '{name}' is empty");
            _sections.Add(new PackedSection(name, offset, section.Length, section.Checksum));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Writes the header and puts the file into its place.</summary>
    /// <exception cref="InvalidOperationException">Announced sections are missing, or the writer ended.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public void Finish(WeightFormat format)
    {
        Require(!_ended, "the writer ended");
        Require(_sections.Count == _announced, $"{_announced} sections were announced, {_sections.Count} were added");
        _cancellation.ThrowIfCancellationRequested();
        _file.Position = 0;
        _file.Write(new PackedHeader(ExpertBank.PackedLayoutVersion, format, _sections).Write());

        // On disk before it has its name: a crash must not leave a name without contents.
        _file.Flush(flushToDisk: true);
        _file.Dispose();
        File.Move(_temporary, _path, _overwrite);
        End();
    }

    /// <summary>Removes what was written, unless the file is finished. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_ended)
        {
            return;
        }

        try
        {
            _file.Dispose();
        }
        finally
        {
            End();
            File.Delete(_temporary);
        }
    }

    private static void Require(bool condition, string problem)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"{problem}.");
        }
    }

    private void End()
    {
        _ended = true;
        AppDomain.CurrentDomain.ProcessExit -= RemoveTemporary;
    }

    private void RemoveTemporary(object? sender, EventArgs e) => File.Delete(_temporary);
}
