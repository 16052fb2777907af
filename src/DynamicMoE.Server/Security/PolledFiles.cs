using System.Buffers;

namespace DynamicMoE.Server;

/// <summary>Files that belong together and are read again when the content of one changes. What cannot be used leaves the old state as it is and is told once.</summary>
/// <remarks>The content decides, whatever the file system tells: through symbolic links that are replaced and over network mounts too.</remarks>
internal sealed class PolledFiles : IDisposable
{
    /// <summary>How often the files are looked at.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private const int MostBytes = 1 << 20;

    private readonly Lock _gate = new();
    private readonly IReadOnlyList<string> _paths;
    private readonly Action<IReadOnlyList<byte[]>> _take;
    private readonly Action<Exception?> _tell;
    private readonly ITimer _timer;
    private IReadOnlyList<byte[]> _seen;
    private string? _failure;

    /// <summary>Reads the files for the first time.</summary>
    /// <param name="paths">The files.</param>
    /// <param name="take">Takes their contents into use, or throws and changes nothing.</param>
    /// <param name="tell">Hears of every later attempt: null when the contents were taken, else why not.</param>
    /// <param name="time">The clock.</param>
    internal PolledFiles(IReadOnlyList<string> paths, Action<IReadOnlyList<byte[]>> take, Action<Exception?> tell, TimeProvider time)
    {
        (_paths, _take, _tell) = (paths, take, tell);
        _seen = Read();
        take(_seen);
        // Armed again after each look, so that two never overlap.
        _timer = time.CreateTimer(_ => Look(), null, Interval, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>Whether an exception means that contents are of no use; others are errors of this program.</summary>
    internal static bool IsContent(Exception error) => error
        is IOException or UnauthorizedAccessException or FormatException or ArgumentException or System.Security.Cryptography.CryptographicException;

    /// <summary>Looks at the files now.</summary>
    internal void Refresh()
    {
        lock (_gate)
        {
            IReadOnlyList<byte[]> now;
            try
            {
                now = Read();
            }
            catch (Exception error) when (IsContent(error))
            {
                if (_failure != error.Message)
                {
                    _failure = error.Message;
                    _tell(error);
                }

                return;
            }

            _failure = null;
            if (!Same(now, _seen))
            {
                _seen = now;
                Take(now);
            }
        }
    }

    private void Take(IReadOnlyList<byte[]> contents)
    {
        try
        {
            _take(contents);
        }
        catch (Exception error) when (IsContent(error))
        {
            _tell(error);
            return;
        }

        _tell(null);
    }

    private static bool Same(IReadOnlyList<byte[]> one, IReadOnlyList<byte[]> other) =>
        one.Zip(other).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));

    private void Look()
    {
        Refresh();
        _timer.Change(Interval, Timeout.InfiniteTimeSpan);
    }

    private byte[][] Read() => [.. _paths.Select(Read)];

    private static byte[] Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

        // Lent, so that the heap does not fill with an array of that size at every look; one with a key is emptied.
        byte[] room = ArrayPool<byte>.Shared.Rent(MostBytes + 1);
        try
        {
            int count = file.ReadAtLeast(room.AsSpan(0, MostBytes + 1), MostBytes + 1, throwOnEndOfStream: false);
            return count <= MostBytes ? room[..count] : throw new IOException($"'{path}' is above {MostBytes} bytes");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room, clearArray: true);
        }
    }
}
