using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting.Tests;

/// <summary>Settings among the keys of a host: other providers, chained configurations, sections.</summary>
public sealed class OtherProviderTests
{
    private static IConfigurationBuilder Quiet => new ConfigurationBuilder().Add(new EnvironmentConfigurationSource { Variables = new Dictionary<string, string>() });

    [Fact]
    public void Read_WhenAnotherProviderHasSettings_TakesThemAtItsPlaceAndLeavesTheRest()
    {
        IConfigurationRoot root = Quiet
            .Add(new YamlBytesSource("router: {num_experts: 4, min_experts: 2}"u8.ToArray()))
            .AddInMemoryCollection(
            [
                new("Router:NUM_EXPERTS", "16"), new("benchmarking:batch_sizes:0", "3"), new("benchmarking:batch_sizes:1", "5"),
                new("Logging:Level", "x"), new("router:of_the_host", "y"),
            ])
            .Build();

        DynamicMoESettings settings = DynamicMoESettings.Read(root);

        Assert.Equal((16, 2), (settings.Router.NumExperts, settings.Router.MinExperts));
        Assert.Equal([3, 5], settings.Benchmarking.BatchSizes);
        Assert.Equal(SettingSourceKind.Other, settings.List().Single(value => value.Key == "router.num_experts").Source.Kind);
    }

    [Fact]
    public void Read_WhenTheSourcesAreInsideAnotherConfiguration_KeepsTheirLines()
    {
        IConfigurationRoot root = new ConfigurationBuilder().AddConfiguration(new Sources { Yaml = "router:\n  tau: 0.5\n" }.Build()).Build();

        Assert.Equal("config.yaml:2:8", DynamicMoESettings.Read(root).List().Single(value => value.Key == "router.tau").Source.ToString());
    }

    [Fact]
    public void Read_WhenASectionIsHandedOver_RefusesWhatIsNotKnownInIt()
    {
        IConfigurationRoot root = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("DynamicMoE:Router:num_experts", "16"), new("DynamicMoE:router:num_expert", "1"), new("DynamicMoE:router:estimator", "x"), new("DynamicMoE:other:a", "1"),
            new("DynamicMoE:benchmarking:batch_sizes:0", "7"), new("DynamicMoE:router:tau", "2"), new("Logging:Level", "x"),
        ]).Build();

        Assert.Equal(
            [
                "section DynamicMoE: other is not a known key",
                "section DynamicMoE: router.estimator is not a known key",
                "section DynamicMoE: router.num_expert is not a known key; did you mean router.num_experts?",
                "section DynamicMoE: router.tau is '2', must be a number in 0..1",
            ],
            Assert.Throws<SettingsException>(() => DynamicMoESettings.Read(root.GetSection("DynamicMoE"))).Problems.Select(problem => problem.ToString()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Read_WhenASectionIsRight_TakesIt()
    {
        IConfigurationRoot root = new ConfigurationBuilder().AddInMemoryCollection(
            [new("DynamicMoE:router:num_experts", "16"), new("DynamicMoE:benchmarking:batch_sizes:0", "7"), new("DynamicMoE:benchmarking:sequence_lengths", "9, 10")]).Build();

        DynamicMoESettings settings = DynamicMoESettings.Read(root.GetSection("DynamicMoE"));

        Assert.Equal(16, settings.Router.NumExperts);
        Assert.Equal([7], settings.Benchmarking.BatchSizes);
        Assert.Equal([9, 10], settings.Benchmarking.SequenceLengths);
    }

    [Fact]
    public void Read_WhenNull_IsRefused() => Assert.Throws<ArgumentNullException>(() => DynamicMoESettings.Read(null!));

    [Theory]
    [InlineData("router.tau", "command line: 'router.tau' is not of the form key=value")]
    [InlineData("=5", "command line:  is not a known key")]
    [InlineData("router.tau=", "command line: router.tau has no value, must be a number in 0..1")]
    [InlineData("router=5", "command line: router is a group of keys, not a value")]
    [InlineData("router.tau=0.5=", "command line: router.tau is '0.5=', must be a number in 0..1")]
    public void Read_WhenAnAssignmentIsWrong_NamesIt(string assignment, string problem) =>
        Assert.Equal([problem], new Sources { Assignments = [assignment] }.Problems());

    [Fact]
    public void Read_WhenAKeyIsAssignedTwice_TakesTheLater() =>
        Assert.Equal(0.25f, new Sources { Assignments = ["router.tau=0.5", "router.tau=0.25"] }.Read().Router.Tau);
}
