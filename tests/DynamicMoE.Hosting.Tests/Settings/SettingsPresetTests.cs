namespace DynamicMoE.Hosting.Tests.Settings;

public sealed class SettingsPresetTests
{
    // The specification's table of recommended ranges.
    [Theory]
    [InlineData("small", "256-512", "4-8", "1-2", "2-4", "500-1000", "2-4")]
    [InlineData("medium", "768-1024", "8-16", "1-2", "4-8", "1000-5000", "4-8")]
    [InlineData("large", "1024-4096", "16-64", "2-4", "8-16", "5000-10000", "8-16")]
    public void Preset_WhenChosen_LiesWithinTheRecommendedRanges(
        string preset, string inputDim, string numExperts, string minExperts, string maxExperts, string cacheSize, string maxWorkers)
    {
        DynamicMoESettings settings = Sources.Read($"preset: {preset}");

        Within(inputDim, settings.Router.InputDim);
        Within(numExperts, settings.Router.NumExperts);
        Within(minExperts, settings.Router.MinExperts);
        Within(maxExperts, settings.Router.MaxExperts);
        Within(cacheSize, settings.Optimization.CacheSize);
        Within(maxWorkers, settings.Optimization.MaxWorkers);
        Assert.Equal(6, settings.List().Count(value => value.Source == new SettingSource(SettingSourceKind.Preset, preset)));
    }

    [Fact]
    public void Preset_WhenASourceSetsAKey_GivesWay()
    {
        var sources = new Sources
        {
            Yaml = "preset: large\nrouter:\n  num_experts: 32\n",
            Variables = new() { [EnvironmentVariables.CacheSize] = "77" },
            Assignments = ["router.max_experts=null", "preset=small"],
        };

        Assert.Equal(["command line: router.max_experts is 'null', must be a whole number in 1..4096, or null"], sources.Problems());
        DynamicMoESettings settings = new Sources { Yaml = sources.Yaml, Variables = sources.Variables, Assignments = ["router.max_experts=", "preset=small"] }.Read();
        Assert.Equal((SettingsPreset.Small, 512, 32, null, 77, 4), (
            settings.Preset, settings.Router.InputDim, settings.Router.NumExperts, settings.Router.MaxExperts, settings.Optimization.CacheSize, settings.Optimization.MaxWorkers));
    }

    [Fact]
    public void Preset_WhenItIsNone_LeavesTheDefaults()
    {
        DynamicMoESettings settings = Sources.Read("preset: none");

        Assert.Null(settings.Router.InputDim);
        Assert.Equal(SettingsPreset.None, settings.Preset);
    }

    private static void Within(string range, int? value)
    {
        int[] ends = [.. range.Split('-').Select(int.Parse)];
        Assert.InRange(value!.Value, ends[0], ends[1]);
    }
}
