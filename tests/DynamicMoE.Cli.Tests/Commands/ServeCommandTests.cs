using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

public sealed class ServeCommandTests
{
    private static readonly string[] FreePorts = ["--port", "0", "--set", "monitoring.health_port=0", "--set", "monitoring.metrics_port=0"];

    [Theory]
    [InlineData("-TERM")]
    [InlineData("-INT")]
    public async Task Serve_WhenSignalled_StopsInOrder(string signal)
    {
        using ChildProcess process = ChildProcess.Tool(["serve", "--log-format", "json", .. FreePorts]);
        var places = new Dictionary<string, string>();
        for (int i = 0; i < 3; i++)
        {
            string[] words = (await process.LineAsync()).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            places.Add(words[0], words[1]);
        }

        using var client = new HttpClient();

        // It listens before the model is there.
        HttpResponseMessage health;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!(health = await client.GetAsync(places["health"], patience.Token)).IsSuccessStatusCode)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
            health.Dispose();
        }

        Assert.Contains("\"accepting\"", await health.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        health.Dispose();
        Assert.Contains("dotnet_", await client.GetStringAsync(places["metrics"]), StringComparison.Ordinal);
        Assert.StartsWith("http://127.0.0.1:", places["api"], StringComparison.Ordinal);
        await process.SignalAsync(signal);
        string[] log = (await process.ErrorAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.ExitAsync();

        Assert.Equal(ExitCodes.Ok, process.ExitCode);
        Assert.NotEmpty(log);
        Assert.All(log, line => JsonDocument.Parse(line).Dispose());
    }

    [Fact]
    public async Task Serve_WhenPublicWithoutKeysAndTls_IsRefused()
    {
        ToolRun run = await ToolRun.Of(["serve", "--bind", "0.0.0.0", .. FreePorts]);

        Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
        Assert.All(["server.bind", "server.insecure", "security.api_key_required", "security.ssl_enabled"], name => Assert.Contains(name, run.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Serve_WhenThePortIsTaken_SaysSo()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        ToolRun run = await ToolRun.Of(["serve", .. FreePorts.Skip(2), "--port", $"{((IPEndPoint)taken.LocalEndpoint).Port}"]);

        Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
        Assert.Contains("address already in use", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_WhenThereIsNoModel_SaysSo() =>
        (await ToolRun.Of(["serve", "--model", "/nowhere", .. FreePorts])).RequireFailure(ExitCodes.Failure, "--model '/nowhere' is neither a folder nor a file");
}
