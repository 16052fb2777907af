using System.Globalization;

namespace DynamicMoE.ServiceLoad.Http;

/// <summary>A whole answer.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Headers">By name, whatever the case.</param>
/// <param name="Body">Without the transfer coding.</param>
internal sealed record HttpReply(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>When the first byte was read, in ticks of the stopwatch.</summary>
    public long FirstByte { get; init; }

    /// <summary>Whether the service keeps the connection.</summary>
    public bool KeepsConnection => !(Headers.TryGetValue("Connection", out string? value) && value.Contains("close", StringComparison.OrdinalIgnoreCase));

    public bool Has(string header) => Headers.ContainsKey(header);

    /// <summary>Reads status and headers.</summary>
    /// <exception cref="InvalidDataException">They are no HTTP.</exception>
    public static (int Status, Dictionary<string, string> Headers) ParseHead(ReadOnlySpan<byte> head)
    {
        string[] lines = System.Text.Encoding.Latin1.GetString(head).Split("\r\n");
        if (!lines[0].StartsWith("HTTP/1.1 ", StringComparison.Ordinal) || lines[0].Length < 12 ||
            !int.TryParse(lines[0].AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status))
        {
            throw new InvalidDataException($"not an answer: {lines[0]}");
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
            {
                headers[line[..colon]] = line[(colon + 1)..].Trim();
            }
        }

        return (status, headers);
    }
}
