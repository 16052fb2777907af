using System.IO.Hashing;

namespace DynamicMoE.Models;

/// <summary>A packed model, mapped. Opening it reads the header; everything else is read when it is used.</summary>
internal sealed class PackedFile : IModelFiles, IDisposable
{
    private readonly MappedFile _file;
    private readonly Dictionary<string, PackedSection> _sections;

    private PackedFile(MappedFile file)
    {
        _file = file;
        Header = PackedHeader.Read(file);
        _sections = Header.Sections.ToDictionary(section => section.Name, StringComparer.Ordinal);
    }

    public string Path => _file.Path;

    public long Length => _file.Length;

    public PackedHeader Header { get; }

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="CheckpointFormatException">It cannot be opened, or its header is not that of a packed model for this library.</exception>
    public static PackedFile Open(string path)
    {
        MappedFile file;
        try
        {
            file = MappedFile.Open(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CheckpointFormatException(path, null, $"cannot be opened: {e.Message}", e);
        }

        try
        {
            return new PackedFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public bool Has(string name) => _sections.ContainsKey(name);

    public string Place(string name) => $"{Path}/{name}";

    public Stream OpenFile(string name)
    {
        PackedSection section = Section(name);
        SmallFiles.Check(this, name, section.Length);
        Verify(section, CancellationToken.None);
        var bytes = new byte[section.Length];
        _file.Read(section.Offset, bytes);
        return new MemoryStream(bytes, writable: false);
    }

    /// <summary>The tensors that are not experts. All of them are used, so they are verified first.</summary>
    public SafetensorsFile Tensors()
    {
        PackedSection section = Section(PackedSection.Tensors);
        Verify(section, CancellationToken.None);
        return SafetensorsFile.Open(_file, section.Offset, section.Length, Place(section.Name));
    }

    /// <summary>Experts that are read where they lie.</summary>
    public ExpertBank Experts(string name, ExpertBankOptions options)
    {
        PackedSection section = Section(name);
        try
        {
            return ExpertBank.FromMapped(options, _file, section.Offset, section.Length);
        }
        catch (RoutingValidationException e)
        {
            throw Broken(section, $"is not {options.NumExperts} experts of {options.Hidden} x {options.Width} in {options.Format}: {e.Message}.", e);
        }
    }

    /// <summary>Checks that exactly these sections are there.</summary>
    /// <exception cref="CheckpointFormatException">One is missing or not expected; names it.</exception>
    public void RequireSections(IReadOnlyList<string> names)
    {
        foreach (string name in names)
        {
            _ = Section(name);
        }

        if (_sections.Keys.Except(names).FirstOrDefault() is { } unknown)
        {
            throw Broken(_sections[unknown], "is not explained by config.json; ignoring it would give wrong results.");
        }
    }

    /// <summary>Compares every section with its checksum, and what lies between them with zero.</summary>
    /// <exception cref="CheckpointFormatException">One differs; names it.</exception>
    public void Verify(CancellationToken cancellation)
    {
        long end = PackedHeader.BytesFor(Header.Sections.Count);
        Span<byte> between = stackalloc byte[PackedSection.Alignment];
        foreach (PackedSection section in Header.Sections)
        {
            Span<byte> padding = between[..(int)(section.Offset - end)];
            _file.Read(end, padding);
            int other = padding.IndexOfAnyExcept((byte)0);
            if (other >= 0)
            {
                throw new CheckpointFormatException(Path, null, $"byte {end + other}, between two sections, is {padding[other]}, 0 is needed.");
            }

            Verify(section, cancellation);
            end = section.Offset + section.Length;
        }
    }

    /// <summary>Lets go of the file; what was made of it keeps what it needs.</summary>
    public void Dispose() => _file.Dispose();

    private PackedSection Section(string name) =>
        _sections.TryGetValue(name, out PackedSection section)
            ? section
            : throw new CheckpointFormatException(Path, null, $"section {Printable.Quote(name)} is missing.");

    private void Verify(PackedSection section, CancellationToken cancellation)
    {
        const int Part = 1 << 20;
        var hash = new XxHash128();
        var buffer = new byte[(int)Math.Min(Part, section.Length)];
        for (long done = 0; done < section.Length; done += Part)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<byte> bytes = buffer.AsSpan(0, (int)Math.Min(Part, section.Length - done));
            _file.Read(section.Offset + done, bytes);
            hash.Append(bytes);
        }

        UInt128 actual = hash.GetCurrentHashAsUInt128();
        if (actual != section.Checksum)
        {
            throw Broken(section, $"is damaged: its checksum is {actual:x32}, {section.Checksum:x32} is stored.");
        }
    }

    private CheckpointFormatException Broken(PackedSection section, string problem, Exception? cause = null) =>
        new(Path, null, $"section {Printable.Quote(section.Name)} {problem}", cause);
}
