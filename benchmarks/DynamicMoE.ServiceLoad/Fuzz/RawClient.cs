using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace DynamicMoE.ServiceLoad.Fuzz;

/// <summary>Sends bytes over a connection of their own and reads what comes until its end.</summary>
internal sealed class RawClient(Uri address, Verdicts verdicts)
{
    private const int MostBytes = 1 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

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

            socket.Shutdown(SocketShutdown.Send);
            Judge(await ReadToEndAsync(socket, bound.Token), requests, bytes);
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

    private static async Task<byte[]> ReadToEndAsync(Socket socket, CancellationToken cancellation)
    {
        using var all = new MemoryStream();
        var buffer = new byte[8192];
        try
        {
            for (int count; (count = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellation)) > 0 && all.Length < MostBytes;)
            {
                all.Write(buffer, 0, count);
            }
        }
        catch (SocketException)
        {
            // What came before the reset counts.
        }

        return all.ToArray();
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
