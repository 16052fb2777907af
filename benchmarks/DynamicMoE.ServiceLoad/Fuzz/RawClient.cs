using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace DynamicMoE.ServiceLoad.Fuzz;

/// <summary>Sends bytes over a connection of their own and reads what comes until its end.</summary>
internal sealed class RawClient(Uri address, Verdicts verdicts)
{
    private const int MostBytes = 1 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20), s_silence = TimeSpan.FromMilliseconds(100);

    public async Task SendAsync(byte[] bytes, int requests, Random random, CancellationToken cancellation)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        // Ports of one loopback address would run out.
        socket.Bind(new IPEndPoint(new IPAddress([127, 0, (byte)random.Next(1, 200), (byte)random.Next(1, 250)]), 0));
        socket.LingerState = new LingerOption(true, 0);
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bound.CancelAfter(s_patience);
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, bound.Token);
            await SendPiecesAsync(socket, bytes, random, bound.Token);
            if (random.Next(10) == 0)
            {
                // Gone without waiting for an answer.
                verdicts.AddSilent();
                return;
            }

            using var answer = new MemoryStream();
            if (random.Next(3) > 0)
            {
                // The service may wait for the rest of a request, which will not come.
                using var silence = CancellationTokenSource.CreateLinkedTokenSource(bound.Token);
                silence.CancelAfter(s_silence);
                await ReadAsync(socket, answer, silence);
            }

            socket.Shutdown(SocketShutdown.Send);
            await ReadAsync(socket, answer, bound);
            bound.Token.ThrowIfCancellationRequested();
            Judge(answer.ToArray(), requests, bytes);
        }
        catch (SocketException)
        {
            // A reset: the service has closed while bytes were on their way.
            verdicts.AddSilent();
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            verdicts.AddHung(() => Show(bytes));
        }
    }

    /// <summary>The begin of a request, for a message.</summary>
    public static string Show(byte[] bytes)
    {
        string text = Encoding.Latin1.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 400)));
        return string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c.ToString() : string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}")));
    }

    private static async Task SendPiecesAsync(Socket socket, byte[] bytes, Random random, CancellationToken cancellation)
    {
        int pieces = random.Next(4) == 0 ? random.Next(2, 5) : 1, size = Math.Max(1, bytes.Length / pieces);
        for (int at = 0; at < bytes.Length; at += size)
        {
            await socket.SendAsync(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)), SocketFlags.None, cancellation);
        }
    }

    // Until the end, a reset or too long a silence; what came before counts.
    private static async Task ReadAsync(Socket socket, MemoryStream answer, CancellationTokenSource silence)
    {
        var buffer = new byte[8192];
        try
        {
            for (int count; (count = await socket.ReceiveAsync(buffer, SocketFlags.None, silence.Token)) > 0 && answer.Length < MostBytes;)
            {
                answer.Write(buffer, 0, count);
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            return;
        }
    }

    private void Judge(byte[] answer, int requests, byte[] bytes)
    {
        ReadOnlySpan<byte> rest = answer;
        int found = 0;
        for (int at; found < requests && (at = rest.IndexOf("HTTP/1.1 "u8)) >= 0 && rest.Length >= at + 12; found++)
        {
            if (int.TryParse(Encoding.ASCII.GetString(rest.Slice(at + 9, 3)), NumberStyles.None, CultureInfo.InvariantCulture, out int status))
            {
                verdicts.Answered(status, () => Show(bytes));
            }

            rest = rest[(at + 12)..];
        }

        for (; found < requests; found++)
        {
            verdicts.AddSilent();
        }
    }
}
