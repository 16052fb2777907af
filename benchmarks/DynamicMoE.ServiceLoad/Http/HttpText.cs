using System.Globalization;
using System.Text;

namespace DynamicMoE.ServiceLoad.Http;

/// <summary>Requests as bytes.</summary>
internal static class HttpText
{
    public static byte[] Get(string path) => Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");

    public static byte[] Post(string path, string json) => Post(path, "application/json", Encoding.UTF8.GetBytes(json));

    public static byte[] Post(string path, string type, byte[] body) => Request("POST", path, $"Content-Type: {type}\r\n", body);

    /// <param name="method">Method.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="headers">Further headers, each with its line end.</param>
    /// <param name="body">Body.</param>
    public static byte[] Request(string method, string path, string headers, byte[] body)
    {
        string head = string.Create(CultureInfo.InvariantCulture, $"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {body.Length}\r\n\r\n");
        return [.. Encoding.Latin1.GetBytes(head), .. body];
    }
}
