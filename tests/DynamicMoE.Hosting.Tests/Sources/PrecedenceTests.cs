using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting.Tests;

public sealed class PrecedenceTests
{
    private const string Yaml = "optimization:\n  cache_size: 200\n  max_workers: 2\n";

    [Theory]
    [InlineData(false, false, false, 1000, "default")]
    [InlineData(true, false, false, 200, "config.yaml:2:15")]
    [InlineData(true, true, false, 300, "environment DYNAMIC_MOE_CACHE_SIZE")]
    [InlineData(false, true, true, 400, "command line")]
    [InlineData(true, true, true, 400, "command line")]
    public void Read_WhenSeveralSourcesSetAKey_TakesTheLastAndNamesIt(bool yaml, bool variable, bool commandLine, int value, string source)
    {
        DynamicMoESettings settings = new Sources
        {
            Yaml = yaml ? Yaml : null,
            Variables = variable ? new() { [EnvironmentVariables.CacheSize] = "300" } : [],
            Assignments = commandLine ? ["optimization.cache_size=400"] : [],
        }.Read();

        Assert.Equal(value, settings.Optimization.CacheSize);
        Assert.Equal(source, settings.List().Single(setting => setting.Key == "optimization.cache_size").Source.ToString());
    }

    [Fact]
    public void Read_WhenSeveralSourcesAreWrong_NamesEverythingInTheirOrder() =>
        Assert.Equal(
            [
                "config.yaml:1:23: router.num_experts is '0', must be a whole number in 1..4096, or null",
                "environment DYNAMIC_MOE_CACH_SIZE: the variable is not known; did you mean DYNAMIC_MOE_CACHE_SIZE?",
                "environment DYNAMIC_MOE_AUTOSCALE: optimization.enable_autoscaling is 'maybe', must be true or false",
                "command line: router.min_expert is not a known key; did you mean router.min_experts?",
            ],
            new Sources
            {
                Yaml = "router: {num_experts: 0}",
                Variables = new() { ["DYNAMIC_MOE_CACH_SIZE"] = "1", [EnvironmentVariables.Autoscale] = "maybe" },
                Assignments = ["router.min_expert=2"],
            }.Problems());

    [Fact]
    public void Read_WhenAnOverriddenValueIsWrong_IsRefusedAllTheSame() =>
        Assert.Equal(
            ["config.yaml:1:28: optimization.cache_size is '0', must be a whole number in 3..16777216"],
            new Sources { Yaml = "optimization: {cache_size: 0}", Assignments = ["optimization.cache_size=5"] }.Problems());

    // The process's own variables count where a configuration does not have them at a place of its own.
    [Fact]
    public void Read_WhenTheConfigurationLacksTheEnvironment_TakesThatOfTheProcess()
    {
        Environment.SetEnvironmentVariable(EnvironmentVariables.HealthPort, "1234");
        try
        {
            IConfigurationRoot below = new ConfigurationBuilder().AddInMemoryCollection([new("monitoring:health_port", "1")]).Build();
            IConfigurationRoot above = new ConfigurationBuilder()
                .AddInMemoryCollection([new("monitoring:health_port", "1")]).AddDynamicMoECommandLine(["monitoring.health_port=5"]).Build();

            Assert.Equal(1234, DynamicMoESettings.Read(below).Monitoring.HealthPort);
            Assert.Equal(5, DynamicMoESettings.Read(above).Monitoring.HealthPort);
            Assert.Equal(8080, new Sources().Read().Monitoring.HealthPort);
            Assert.Equal(1234, DynamicMoESettings.Read(new ConfigurationBuilder().AddDynamicMoEEnvironment().Build()).Monitoring.HealthPort);
        }
        finally
        {
            Environment.SetEnvironmentVariable(EnvironmentVariables.HealthPort, null);
        }
    }

    [Fact]
    public void Read_WhenALaterSourceHasAShorterList_TakesItWhole() =>
        Assert.Equal([4], new Sources { Yaml = "benchmarking: {batch_sizes: [1, 2, 3]}", Assignments = ["benchmarking.batch_sizes=4"] }.Read().Benchmarking.BatchSizes);
}
