namespace DynamicMoE;

/// <summary>A stream that is read forwards and says at which byte something is wrong.</summary>
internal sealed class RecordSource(Stream stream, string name)
{
    // A length that the file claims is believed only as far as its bytes are there.
    private const int Step = 1 << 20;

    /// <summary>Bytes read so far.</summary>
    internal long Offset { get; private set; }

    /// <summary>Reads exactly so many bytes into a new array.</summary>
    /// <exception cref="RoutingRecordException">The file ends before.</exception>
    internal byte[] Take(int count, string what)
    {
        byte[] bytes = [];
        Fill(ref bytes, count, what);
        return bytes;
    }

    /// <summary>Reads exactly so many bytes to the front of an array, which is replaced when it is too short.</summary>
    /// <exception cref="RoutingRecordException">The file ends before.</exception>
    internal void Fill(ref byte[] bytes, int count, string what)
    {
        int done = 0;
        while (done < count)
        {
            int part = Math.Min(Step, count - done);
            if (bytes.Length < done + part)
            {
                Array.Resize(ref bytes, (int)Math.Min(count, Math.Max(2L * bytes.Length, done + part)));
            }

            int read = stream.ReadAtLeast(bytes.AsSpan(done, part), part, throwOnEndOfStream: false);
            done += read;
            Expect(read == part, Offset + done, $"truncated: the file ends within its {what}, {count - done} bytes are missing.");
        }

        Offset += count;
    }

    /// <exception cref="RoutingRecordException">Bytes follow.</exception>
    internal void RequireEnd() => Expect(stream.ReadByte() < 0, Offset, "bytes follow the end of the record.");

    /// <exception cref="RoutingRecordException">The condition does not hold.</exception>
    internal void Expect(bool condition, long offset, string problem)
    {
        if (!condition)
        {
            throw Broken(offset, problem);
        }
    }

    internal RoutingRecordException Broken(long offset, string problem, Exception? cause = null) => new(name, offset, problem, cause);
}
