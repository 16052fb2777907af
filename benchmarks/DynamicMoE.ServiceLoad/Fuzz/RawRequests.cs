using System.Globalization;
using System.Text;

namespace DynamicMoE.ServiceLoad.Fuzz;

/// <summary>What is no HTTP, hardly HTTP, or HTTP that lies.</summary>
internal static class RawRequests
{
    private static readonly string[] s_methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "PRI", "", "A B", "P\0ST"];
    private static readonly string[] s_versions = ["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.9", "http/1.1", "HTTP/11", "", "HTTP/1.1 x"];
    private static readonly string[] s_targets =
    [
        "/", "/v1/forward", "/v1/stats", "*", "//", "/%", "/%zz", "/%00", "/v1/../v1/stats", "/v1/models/%2e%2e%2f", "http://other/v1/stats", "other:80", "", "v1", "/\u00e9", "/?", "/#",
        "/v1/stats/stream?interval=x", "/v1/models/" + "a/b/c",
    ];

    private static readonly string[] s_headers =
    [
        "Content-Length: -1", "Content-Length: 9999999999999999999999", "Content-Length: 1, 2", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 0x10",
        "Content-Length: 99999999", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding: x",
        "Host: a\r\nHost: b", "Host:", "Host: a/b", " folded: x", "no colon", ": empty", "a b: c", "x: \0", "Connection: close", "Connection: upgrade\r\nUpgrade: websocket",
        "Expect: 100-continue", "Expect: x", "Content-Encoding: gzip", "Content-Encoding: br, gzip", "Authorization: Bearer \u00ff\u00fe", "X-Api-Key: ", "Accept: ;;;,,,q=",
        "Content-Type: application/json; charset=utf-99", "Content-Type: multipart/form-data; boundary=", "Content-Type: ;", "Cookie: " + "a=b; ", "Range: bytes=0-0",
    ];

    /// <summary>One, and how many requests it stands for.</summary>
    public static (byte[] Bytes, int Requests) Make(Random random, SeedBodies seeds) => random.Next(8) switch
    {
        0 => (Garbage(random), 1),
        1 => (Line(random), 1),
        2 => (Headers(random), 1),
        3 => (Cut(random, seeds), 1),
        4 => (Lie(random, seeds), 1),
        5 => Pipeline(random, seeds),
        6 => (Huge(random), 1),
        _ => (Chunked(random, seeds), 1),
    };

    private static byte[] Garbage(Random random)
    {
        var bytes = new byte[random.Next(1, 600)];
        random.NextBytes(bytes);
        if (random.Next(3) == 0)
        {
            // The first bytes of a TLS handshake and of HTTP/2, on a port that speaks neither.
            byte[] start = random.Next(2) == 0 ? [0x16, 0x03, 0x01, 0x02, 0x00, 0x01] : "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
            start.AsSpan(0, Math.Min(start.Length, bytes.Length)).CopyTo(bytes);
        }

        return bytes;
    }

    private static byte[] Line(Random random) =>
        Encoding.Latin1.GetBytes($"{Of(random, s_methods)} {Of(random, s_targets)} {Of(random, s_versions)}\r\nHost: localhost\r\n\r\n");

    private static byte[] Headers(Random random)
    {
        string headers = string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => Of(random, s_headers) + (random.Next(20) == 0 ? "\n" : "\r\n")));
        return Encoding.Latin1.GetBytes($"{(random.Next(2) == 0 ? "POST" : "GET")} {Of(random, s_targets)} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{{}}");
    }

    private static byte[] Cut(Random random, SeedBodies seeds)
    {
        byte[] whole = seeds.Request(random);
        return whole[..random.Next(1, whole.Length)];
    }

    // The announced length is not that of the body.
    private static byte[] Lie(Random random, SeedBodies seeds)
    {
        (string path, string type, byte[] body) = seeds.Pick(random);
        long length = Math.Max(0, body.Length + random.Next(-body.Length, 200));
        string head = string.Create(
            CultureInfo.InvariantCulture, $"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\nContent-Length: {length}\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    private static (byte[] Bytes, int Requests) Pipeline(Random random, SeedBodies seeds)
    {
        int count = random.Next(2, 6);
        using var bytes = new MemoryStream();
        for (int i = 0; i < count; i++)
        {
            byte[] one = seeds.Request(random);
            if (random.Next(4) == 0)
            {
                one[random.Next(one.Length)] ^= (byte)(1 << random.Next(8));
            }

            bytes.Write(one);
        }

        return (bytes.ToArray(), count);
    }

    // Around the limits of the line, of one header, of all of them and of their count.
    private static byte[] Huge(Random random)
    {
        var text = new StringBuilder("GET /v1/models");
        if (random.Next(3) == 0)
        {
            text.Append('?').Append('q', random.Next(7000, 10_000));
        }

        text.Append(" HTTP/1.1\r\nHost: localhost\r\n");
        int headers = random.Next(3) == 0 ? random.Next(80, 130) : random.Next(1, 5), length = headers > 10 ? random.Next(1, 300) : random.Next(1000, 12_000);
        for (int i = 0; i < headers; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"X-{i}: ").Append('v', length).Append("\r\n");
        }

        return Encoding.ASCII.GetBytes(text.Append("\r\n").ToString());
    }

    private static byte[] Chunked(Random random, SeedBodies seeds)
    {
        (string path, string type, byte[] body) = seeds.Pick(random);
        using var bytes = new MemoryStream();
        bytes.Write(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\nTransfer-Encoding: chunked\r\n\r\n"));
        for (int at = 0; at < body.Length;)
        {
            int size = Math.Min(random.Next(1, 200), body.Length - at);
            string said = random.Next(12) switch
            {
                0 => (size + random.Next(-size, 50)).ToString("x", CultureInfo.InvariantCulture),
                1 => "ffffffffffffffff",
                2 => "-1",
                3 => "zz",
                4 => size.ToString("X", CultureInfo.InvariantCulture) + ";extension=" + new string('e', random.Next(100)),
                _ => size.ToString("x", CultureInfo.InvariantCulture),
            };
            bytes.Write(Encoding.ASCII.GetBytes(said + "\r\n"));
            bytes.Write(body, at, size);
            bytes.Write("\r\n"u8);
            at += size;
        }

        bytes.Write(random.Next(5) == 0 ? "0\r\n"u8 : "0\r\n\r\n"u8);
        return bytes.ToArray();
    }

    private static string Of(Random random, string[] words) => words[random.Next(words.Length)];
}
