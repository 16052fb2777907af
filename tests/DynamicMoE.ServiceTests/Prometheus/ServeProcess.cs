using System.Diagnostics;
using DynamicMoE.ServiceTests.Support;

namespace DynamicMoE.ServiceTests.Prometheus;

/// <summary><c>dmoe serve</c> as its users start it.</summary>
internal sealed class ServeProcess : IDisposable
{
    private readonly Process _process;

    private ServeProcess(Process process, Uri api, Uri health, Uri metrics) => (_process, Api, Health, Metrics) = (process, api, health, metrics);

    public Uri Api { get; }

    public Uri Health { get; }

    public Uri Metrics { get; }

    public static async Task<ServeProcess> StartAsync(params string[] assignments)
    {
        string[] settings = ["monitoring.health_port=0", "monitoring.metrics_port=0", .. assignments];
        return await StartAsync("dotnet", [Repository.Tool, "serve", "--port", "0", .. settings.SelectMany(setting => new[] { "--set", setting })]);
    }

    /// <summary>Starts a program that writes the addresses as <c>dmoe serve</c> does.</summary>
    public static async Task<ServeProcess> StartAsync(string program, string[] arguments)
    {
        Process process = Programs.Start(program, arguments);
        try
        {
            process.BeginErrorReadLine();
            var found = new List<Uri>();
            while (found.Count < 3)
            {
                string line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"{program} ended before it listened.");
                found.Add(new Uri(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]));
            }

            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            await Patience.UntilAsync(async () => (await client.GetAsync(found[1])).IsSuccessStatusCode, "dmoe serve");
            return new ServeProcess(process, found[0], found[1], found[2]);
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }
}
