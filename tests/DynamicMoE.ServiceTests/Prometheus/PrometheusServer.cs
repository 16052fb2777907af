using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using DynamicMoE.ServiceTests.Support;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.ServiceTests.Prometheus;

/// <summary>Debian's Prometheus, scraping every second.</summary>
internal sealed class PrometheusServer : IDisposable
{
    private readonly TemporaryDirectory _folder = new();
    private readonly Process _process;
    private readonly HttpClient _client;

    public PrometheusServer(IEnumerable<Uri> targets)
    {
        string names = string.Join(", ", targets.Select(target => $"\"{target.Authority}\""));
        // The configuration that is shipped, with the ports of the test.
        string shipped = File.ReadAllText(Repository.Operations("prometheus/prometheus.yml"));
        File.WriteAllText(_folder["prometheus.yml"], shipped.Replace("\"127.0.0.1:9090\"", names, StringComparison.Ordinal).Replace("15s", "1s", StringComparison.Ordinal));
        File.Copy(Repository.Operations("prometheus/dynamicmoe.rules.yml"), _folder["dynamicmoe.rules.yml"]);
        int port = FreePort();
        _process = Programs.Start(
            NeedsFactAttribute.Find("prometheus")!, $"--config.file={_folder["prometheus.yml"]}", $"--storage.tsdb.path={_folder["data"]}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=error");
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        _client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
    }

    public Task ReadyAsync() => Patience.UntilAsync(
        async () =>
        {
            try
            {
                return (await _client.GetAsync(new Uri("/-/ready", UriKind.Relative))).IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        },
        "Prometheus");

    /// <summary>Value of a query for each series.</summary>
    public async Task<string[]> QueryAsync(string query)
    {
        using JsonDocument answer = JsonDocument.Parse(await _client.GetStringAsync(new Uri($"/api/v1/query?query={Uri.EscapeDataString(query)}", UriKind.Relative)));
        return [.. answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Select(series => series.GetProperty("value")[1].GetString()!)];
    }

    /// <summary>Names of all series.</summary>
    public async Task<string[]> NamesAsync()
    {
        using JsonDocument answer = JsonDocument.Parse(await _client.GetStringAsync(new Uri("/api/v1/label/__name__/values", UriKind.Relative)));
        return [.. answer.RootElement.GetProperty("data").EnumerateArray().Select(name => name.GetString()!)];
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _client.Dispose();
        _folder.Dispose();
    }

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
