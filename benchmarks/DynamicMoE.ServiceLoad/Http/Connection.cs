using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace DynamicMoE.ServiceLoad.Http;

/// <summary>
/// One HTTP/1.1 connection of its own: nothing is asked again behind the caller's back, and it is known which bytes were sent and which came back.
/// </summary>
internal sealed class Connection : IDisposable
{
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _begin;
    private int _end;

    private Connection(Socket socket, Stream stream) => (_socket, _stream) = (socket, stream);

    /// <summary>SHA-256 of the service's certificate; null without TLS.</summary>
    public string? Certificate { get; private init; }

    /// <summary>When the last request was handed over, in ticks of the stopwatch.</summary>
    public long SentAt { get; private set; }

    /// <summary>Whether the connection can take another request.</summary>
    public bool IsOpen { get; private set; } = true;

    /// <summary>Whether there is something behind the last answer: nobody asked for it.</summary>
    public bool HasSurplus => _end > _begin;

    public static async Task<Connection> OpenAsync(Uri address, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, cancellation);
            var plain = new NetworkStream(socket, ownsSocket: false);
            if (address.Scheme == Uri.UriSchemeHttp)
            {
                return new Connection(socket, plain);
            }

            // The certificates are this program's own; which one came is what it looks at.
            var tls = new SslStream(plain, leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate is not null);
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, cancellation);
            return new Connection(socket, tls) { Certificate = tls.RemoteCertificate!.GetCertHashString(HashAlgorithmName.SHA256) };
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async Task<HttpReply> AskAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        await SendAsync(request, cancellation);
        return await ReceiveAsync(cancellation);
    }

    /// <exception cref="LostAnswerException">The service has closed the connection.</exception>
    public async Task SendAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        try
        {
            await _stream.WriteAsync(request, cancellation);
            SentAt = Stopwatch.GetTimestamp();
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            IsOpen = false;
            throw new LostAnswerException(begun: false, error.Message);
        }
    }

    /// <exception cref="LostAnswerException">The connection ended before the whole answer was there.</exception>
    /// <exception cref="InvalidDataException">What came is no HTTP.</exception>
    public async Task<HttpReply> ReceiveAsync(CancellationToken cancellation)
    {
        int length;
        long first = 0;
        while ((length = _buffer.AsSpan(_begin, _end - _begin).IndexOf("\r\n\r\n"u8)) < 0)
        {
            await FillAsync(begun: first != 0, cancellation);
            first = first == 0 ? Stopwatch.GetTimestamp() : first;
        }

        (int status, Dictionary<string, string> headers) = HttpReply.ParseHead(_buffer.AsSpan(_begin, length));
        _begin += length + 4;
        byte[] body = headers.ContainsKey("Transfer-Encoding") ? await ReadChunksAsync(cancellation)
            : headers.TryGetValue("Content-Length", out string? text) ? await ReadAsync(int.Parse(text, CultureInfo.InvariantCulture), cancellation)
            : [];
        var reply = new HttpReply(status, headers, body) { FirstByte = first };
        IsOpen &= reply.KeepsConnection;
        return reply;
    }

    /// <summary>Reads at least one byte of an answer and forgets it; 0 at the end.</summary>
    public async Task<int> ReadSomeAsync(CancellationToken cancellation) => await _stream.ReadAsync(_buffer, cancellation);

    /// <summary>Whether the service sends nothing more and closes or keeps silent.</summary>
    public async Task<bool> IsSilentAsync()
    {
        try
        {
            return !HasSurplus && (_socket.Available == 0 || await _stream.ReadAsync(_buffer) == 0);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>Ends the connection as a process that dies does: the other side gets a reset.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        Dispose();
    }

    public void Dispose()
    {
        IsOpen = false;
        _socket.Dispose();
        _stream.Dispose();
    }

    private async Task<byte[]> ReadChunksAsync(CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        while (true)
        {
            int size = int.Parse(await ReadLineAsync(cancellation), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.Write(await ReadAsync(size, cancellation));
            _ = await ReadLineAsync(cancellation);
            if (size == 0)
            {
                return body.ToArray();
            }
        }
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellation)
    {
        int length;
        while ((length = _buffer.AsSpan(_begin, _end - _begin).IndexOf("\r\n"u8)) < 0)
        {
            await FillAsync(begun: true, cancellation);
        }

        string line = System.Text.Encoding.ASCII.GetString(_buffer, _begin, length);
        _begin += length + 2;
        return line;
    }

    private async Task<byte[]> ReadAsync(int length, CancellationToken cancellation)
    {
        var bytes = new byte[length];
        for (int done = 0; done < length;)
        {
            if (_begin == _end)
            {
                await FillAsync(begun: true, cancellation);
            }

            int count = Math.Min(length - done, _end - _begin);
            _buffer.AsSpan(_begin, count).CopyTo(bytes.AsSpan(done));
            (done, _begin) = (done + count, _begin + count);
        }

        return bytes;
    }

    private async Task FillAsync(bool begun, CancellationToken cancellation)
    {
        if (_begin > 0)
        {
            _buffer.AsSpan(_begin, _end - _begin).CopyTo(_buffer);
            (_begin, _end) = (0, _end - _begin);
        }

        if (_end == _buffer.Length)
        {
            throw new InvalidDataException("a line of the answer is above 16 KiB");
        }

        try
        {
            int count = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellation);
            _end += count > 0 ? count : throw new LostAnswerException(begun || _end > 0, "closed");
        }
        catch (Exception error) when (error is IOException or SocketException or LostAnswerException)
        {
            IsOpen = false;
            throw error as LostAnswerException ?? new LostAnswerException(begun || _end > 0, "reset");
        }
    }
}
