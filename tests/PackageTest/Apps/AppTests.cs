using PackageTest.Packages;

namespace PackageTest.Apps;

/// <summary>The packages in the hands of a user.</summary>
public class AppTests(FreshFolder folder) : IClassFixture<FreshFolder>
{
    [Fact]
    public async Task ConsoleApp_WhenItReferencesThePackages_RoutesAndGenerates()
    {
        string output = await folder.BuildAndRunAsync(
            "Console", "Microsoft.NET.Sdk", [("DynamicMoE", Package.Version), ("DynamicMoE.Models", Package.Version)], Places.Checkpoint);
        Assert.Equal(["routed 8 tokens, at most 2 experts each", "generated 4 tokens"], Lines(output));
    }

    [Fact]
    public async Task WorkerApp_WhenItReferencesHosting_RoutesThroughTheService()
    {
        string output = await folder.BuildAndRunAsync(
            "Worker", "Microsoft.NET.Sdk.Worker", [("Microsoft.Extensions.Hosting", Places.HostingVersion), ("DynamicMoE.Hosting", Package.Version)]);
        Assert.Contains("routed 8 tokens, at most 2 experts each", Lines(output));
    }

    [Fact]
    public async Task Tool_WhenInstalled_FindsItsLibraryAndModel()
    {
        string dmoe = await folder.InstallToolAsync();
        string report = await folder.RunAsync(dmoe, "doctor");
        Assert.Contains("libdynamicmoe.so", report, StringComparison.Ordinal);
        Assert.DoesNotContain("not usable", report, StringComparison.Ordinal);
        Assert.NotEmpty(await folder.RunAsync(dmoe, "generate", "--prompt", "The expert ", "--max-tokens", "4"));
    }

    [Fact]
    public async Task AotProgram_WhenRun_RoutesGeneratesAndServes()
    {
        string settings = folder.Write("config.yaml", "serving:\n  drain_seconds: 5\n");
        string output = await folder.RunAsync(Places.AotProgram, Places.Checkpoint, settings);
        Assert.Equal(["layer: 8 tokens", "model: 4 tokens", "service: 4 tokens, 5 s to drain"], Lines(output));
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
