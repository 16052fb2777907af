using System.Buffers;
using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting;

/// <summary>
/// Settings of a YAML file. Loading does not throw: what is wrong comes out, together with what is wrong elsewhere, where settings are read. A changed file that
/// cannot be read as a whole leaves the values as they were.
/// </summary>
/// <remarks>The file is read again and again rather than watched: its content decides, whatever the file system tells, through symbolic links that are replaced
/// and over network mounts too.</remarks>
internal sealed class YamlConfigurationProvider : ConfigurationProvider, ISettingProvider, IDisposable
{
    private readonly YamlConfigurationSource _source;
    private readonly ITimer? _timer;
    private readonly Lock _gate = new();
    private FileContent? _applied;
    private FileContent? _pending;
    private SettingLayer _layer = new([], []);

    internal YamlConfigurationProvider(YamlConfigurationSource source)
    {
        _source = source;
        // Armed again after each look, so that two never overlap.
        _timer = source.ReloadInterval is null ? null : source.TimeProvider.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public SettingLayer Layer => Volatile.Read(ref _layer);

    /// <inheritdoc/>
    public override void Load()
    {
        lock (_gate)
        {
            Apply(FileContent.Read(_source.Path), first: _applied is null);
        }

        Arm();
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    /// <inheritdoc/>
    public override string ToString() => $"YAML {_source.Path}";

    private void Look()
    {
        bool changed = false;
        lock (_gate)
        {
            FileContent now = FileContent.Read(_source.Path);
            if (now.Same(_applied))
            {
                _pending = null;
            }
            else if (now.Same(_pending))
            {
                Apply(now, first: false);
                _pending = null;
                changed = true;
            }
            else
            {
                _pending = now;
            }
        }

        Arm();
        if (changed)
        {
            OnReload();
        }
    }

    private void Apply(FileContent content, bool first)
    {
        _applied = content;
        SettingLayer read = content.Layer(_source.Path, _source.Optional);
        bool keep = !first && read.Problems.Count > 0;
        Volatile.Write(ref _layer, keep ? _layer with { Problems = read.Problems } : read);
        Data = _layer.Entries.ToDictionary(entry => entry.Key.ConfigurationPath, entry => entry.Flat, StringComparer.OrdinalIgnoreCase);
    }

    private void Arm() => _timer?.Change(_source.ReloadInterval!.Value, Timeout.InfiniteTimeSpan);

    /// <summary>What a file held at a moment: bytes, or why there are none.</summary>
    private sealed record FileContent(byte[]? Bytes, string? Failure, bool Missing)
    {
        internal static FileContent Read(string path)
        {
            try
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
                return new FileContent(Read(file), null, false);
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return new FileContent(null, "the file does not exist", true);
            }
            catch (UnauthorizedAccessException) when (Directory.Exists(path))
            {
                return new FileContent(null, "this is a folder, a file is needed", false);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
            {
                return new FileContent(null, $"the file cannot be read: {Printable.Text(error.Message)}", false);
            }
        }

        // Bounded whatever the path leads to; one byte more than allowed tells that there is too much. The file is looked at every few seconds: the room is lent, so
        // that the heap does not fill with arrays of that size.
        private static byte[] Read(FileStream file)
        {
            byte[] room = ArrayPool<byte>.Shared.Rent(YamlText.MostBytes + 1);
            try
            {
                int count = file.ReadAtLeast(room.AsSpan(0, YamlText.MostBytes + 1), YamlText.MostBytes + 1, throwOnEndOfStream: false);
                return room[..count];
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(room);
            }
        }

        internal bool Same(FileContent? other) =>
            other is not null && Failure == other.Failure && Bytes.AsSpan().SequenceEqual(other.Bytes);

        internal SettingLayer Layer(string path, bool optional) =>
            Bytes is not null ? YamlReader.Read(Bytes, path)
            : Missing && optional ? new SettingLayer([], [])
            : new SettingLayer([], [SettingProblem.OfFile(path, Failure!)]);
    }
}
