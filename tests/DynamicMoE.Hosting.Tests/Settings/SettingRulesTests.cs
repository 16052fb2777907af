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
    [InlineData("server.port=9090", "command line: server.port (9090, command line) must differ from monitoring.metrics_port (9090, default)")]
    [InlineData("security.api_key_required=true", "command line: security.api_key_required (true, command line) needs a file as security.api_keys_file (null, default)")]
    public void Read_WhenTwoSettingsContradict_NamesBothWithValueAndSource(string assignments, string problem) =>
        Assert.Equal([problem], new Sources { Assignments = assignments.Split(' ') }.Problems());

    [Fact]
    public void Read_WhenOneOfTwoIsRefusedByItself_DoesNotCompareThem() =>
        Assert.Equal(
            ["command line: router.max_experts is '-3', must be a whole number in 1..4096, or null"],
            new Sources { Assignments = ["router.min_experts=5", "router.max_experts=-3"] }.Problems());

    [Fact]
    public void Read_WhenTlsHasNoFiles_NamesBoth() =>
        Assert.Equal(
            [
                "command line: security.ssl_enabled (true, command line) needs a file as security.ssl_cert_file (null, default)",
                "command line: security.ssl_enabled (true, command line) needs a file as security.ssl_key_file (null, default)",
            ],
            new Sources { Assignments = ["security.ssl_enabled=true"] }.Problems());

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("192.0.2.1")]
    public void Read_WhenTheApiIsPublicWithoutKeyAndTls_IsRefusedUnlessInsecure(string address)
    {
        string[] problems = new Sources { Assignments = [$"server.bind={address}"] }.Problems();

        Assert.Equal(
            [
                $"command line: server.bind ({address}, command line) is not loopback and, unless server.insecure is true, needs true as security.api_key_required (false, default)",
                $"command line: server.bind ({address}, command line) is not loopback and, unless server.insecure is true, needs true as security.ssl_enabled (false, default)",
            ],
            problems);
        Assert.Equal(address, new Sources { Assignments = [$"server.bind={address}", "server.insecure=true"] }.Read().Server.Bind.ToString());
    }

    [Fact]
    public void Read_WhenTheApiIsPublicWithKeyAndTls_IsTaken() =>
        Assert.Equal("::", new Sources
        {
            Assignments =
            [
                "server.bind=::", "security.api_key_required=true", "security.api_keys_file=k", "security.ssl_enabled=true", "security.ssl_cert_file=c", "security.ssl_key_file=p",
            ],
        }.Read().Server.Bind.ToString());

    // Loopback and ports that the system chooses collide with nothing.
    [Fact]
    public void Read_WhenPortsAreFreeOnes_TakesThem() =>
        Assert.Equal(0, new Sources { Assignments = ["server.port=0", "monitoring.health_port=0", "monitoring.metrics_port=0"] }.Read().Server.Port);
}
