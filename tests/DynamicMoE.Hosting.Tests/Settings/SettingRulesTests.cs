namespace DynamicMoE.Hosting.Tests.Settings;

public sealed class SettingRulesTests
{
    [Theory]
    [InlineData("router.min_experts=5 router.max_experts=3", "command line: router.min_experts (5, command line) exceeds router.max_experts (3, command line)")]
    [InlineData("router.max_experts=9 router.num_experts=8", "command line: router.max_experts (9, command line) exceeds router.num_experts (8, command line)")]
    [InlineData("router.min_experts=9 router.num_experts=8", "command line: router.min_experts (9, command line) exceeds router.num_experts (8, command line)")]
    [InlineData("router.max_distinct_experts=9 router.num_experts=8", "command line: router.max_distinct_experts (9, command line) exceeds router.num_experts (8, command line)")]
    [InlineData("router.min_experts=3 router.max_distinct_experts=2", "command line: router.min_experts (3, command line) exceeds router.max_distinct_experts (2, command line)")]
    [InlineData("router.mean_experts_budget=1.5", "command line: router.mean_experts_budget (1.5, command line) needs threshold as router.routing_strategy (top_k, default)")]
    [InlineData(
        "router.mean_experts_budget=4 router.routing_strategy=threshold router.max_experts=3",
        "command line: router.mean_experts_budget (4, command line) exceeds router.max_experts (3, command line)")]
    [InlineData(
        "router.mean_experts_budget=4 router.routing_strategy=threshold router.num_experts=3",
        "command line: router.mean_experts_budget (4, command line) exceeds router.num_experts (3, command line)")]
    [InlineData(
        "router.mean_experts_budget=1.5 router.routing_strategy=threshold router.min_experts=2",
        "command line: router.min_experts (2, command line) exceeds router.mean_experts_budget (1.5, command line)")]
    [InlineData("preset=small router.min_experts=5", "command line: router.min_experts (5, command line) exceeds router.max_experts (4, preset small)")]
    [InlineData("preset=small router.num_experts=2", "command line: router.max_experts (4, preset small) exceeds router.num_experts (2, command line)")]
    public void Read_WhenTwoSettingsContradict_NamesBothWithValueAndSource(string assignments, string problem) =>
        Assert.Equal([problem], new Sources { Assignments = assignments.Split(' ') }.Problems());

    [Fact]
    public void Read_WhenOneOfTwoIsRefusedByItself_DoesNotCompareThem() =>
        Assert.Equal(
            ["command line: router.max_experts is '-3', must be a whole number in 1..4096, or null"],
            new Sources { Assignments = ["router.min_experts=5", "router.max_experts=-3"] }.Problems());
}
