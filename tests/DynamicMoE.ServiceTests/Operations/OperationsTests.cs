using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using DynamicMoE.ServiceTests.Prometheus;
using DynamicMoE.ServiceTests.Support;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.ServiceTests.Operations;

/// <summary>The files that operators copy.</summary>
[Trait("with", "operations")]
public sealed partial class OperationsTests
{
    // systemd's own sum of what a unit may do, 0 (nothing) to 10.
    private const double MostExposure = 2;

    [NeedsFact("systemd-analyze")]
    public async Task Unit_WhenSystemdReadsIt_IsValidAndConfined()
    {
        using var folder = new TemporaryDirectory();
        string unit = await File.ReadAllTextAsync(Repository.Operations("systemd/dynamicmoe.service"));
        // systemd wants the program to be there.
        await File.WriteAllTextAsync(folder["dynamicmoe.service"], unit.Replace("/opt/dynamicmoe/dmoe", "/bin/true", StringComparison.Ordinal));
        Assert.Equal("", (await Programs.RunAsync("systemd-analyze", "verify", "--man=no", folder["dynamicmoe.service"])).Trim());
        string report = await Programs.RunAsync("systemd-analyze", "security", "--offline=true", "--no-pager", folder["dynamicmoe.service"]);
        Assert.InRange(double.Parse(Exposure().Match(report).Groups[1].Value, CultureInfo.InvariantCulture), 0, MostExposure);
    }

    [NeedsFact("dotnet")]
    public async Task Dockerfile_WhenItsStepsAreRunHere_GivesAServiceThatBecomesReady()
    {
        string file = await File.ReadAllTextAsync(Repository.Operations("docker/Dockerfile"));
        using var folder = new TemporaryDirectory();
        Match publish = Publish().Match(file);
        Assert.True(publish.Success, "The Dockerfile publishes the tool.");
        // What the image's own build.sh line did is done: the tests run in a built checkout.
        Assert.Contains("RUN ./build.sh --target=Build", file, StringComparison.Ordinal);
        string[] command = publish.Groups[1].Value.Replace(" /app", $" {folder["app"]}", StringComparison.Ordinal).Split(' ');
        await Programs.RunAsync(command[0], command[1..]);

        string[] entry = JsonSerializer.Deserialize<string[]>(Entry().Match(file).Groups[1].Value)!;
        string[] arguments =
        [
            .. entry[1..].Select(word => word.Replace("/state", folder["state"], StringComparison.Ordinal).Replace("dmoe.dll", folder["app/dmoe.dll"], StringComparison.Ordinal).Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)),
            "--port", "0", "--set", "monitoring.health_port=0", "--set", "monitoring.metrics_port=0",
        ];
        using ServeProcess service = await ServeProcess.StartAsync(entry[0], arguments);
        Assert.Equal("127.0.0.1", service.Api.Host);
    }

    [Fact]
    public void Grafana_WhenItsQueriesAreRead_UsesOnlySeriesOfTheReadme()
    {
        string readme = File.ReadAllText(Repository.At("src/DynamicMoE.Server/README.md"));
        using JsonDocument dashboard = JsonDocument.Parse(File.ReadAllText(Repository.Operations("grafana/dynamicmoe.json")));
        string[] queries = [.. dashboard.RootElement.GetProperty("panels").EnumerateArray().SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!)];
        Assert.NotEmpty(queries);
        Assert.Equal([], Unknown(string.Join('\n', queries), readme));
        Assert.Equal([], Unknown(File.ReadAllText(Repository.Operations("prometheus/dynamicmoe.rules.yml")), readme));
    }

    private static IEnumerable<string> Unknown(string text, string readme) => Series().Matches(text).Select(match => match.Value).Distinct()
        .Where(name => name != "outcome" && !readme.Contains($"`{Part().Replace(name, "")}`", StringComparison.Ordinal));

    [GeneratedRegex(@"exposure level for dynamicmoe.service: ([\d.]+)")]
    private static partial Regex Exposure();

    [GeneratedRegex("^RUN (dotnet publish .*)$", RegexOptions.Multiline)]
    private static partial Regex Publish();

    [GeneratedRegex(@"^ENTRYPOINT (\[.*\])$", RegexOptions.Multiline)]
    private static partial Regex Entry();

    [GeneratedRegex(@"\b(dynamicmoe|dotnet|http_server|kestrel)_\w+")]
    private static partial Regex Series();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Part();
}
