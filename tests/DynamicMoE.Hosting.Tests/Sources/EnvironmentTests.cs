using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting.Tests;

public sealed class EnvironmentTests
{
    // The specification's block of variables as it stands there.
    private static readonly Dictionary<string, string> Specification = new()
    {
        ["DYNAMIC_MOE_LOG_LEVEL"] = "INFO",
        ["DYNAMIC_MOE_CACHE_SIZE"] = "1000",
        ["DYNAMIC_MOE_MAX_WORKERS"] = "4",
        ["DYNAMIC_MOE_ENABLE_CACHING"] = "true",
        ["DYNAMIC_MOE_ENABLE_MONITORING"] = "true",
        ["DYNAMIC_MOE_AUTOSCALE"] = "true",
        ["DYNAMIC_MOE_METRICS_PORT"] = "9090",
        ["DYNAMIC_MOE_HEALTH_PORT"] = "8080",
        ["DYNAMIC_MOE_ALERT_WEBHOOK"] = "",
        ["DYNAMIC_MOE_API_KEY_REQUIRED"] = "false",
        ["DYNAMIC_MOE_SSL_ENABLED"] = "false",
        ["DYNAMIC_MOE_RATE_LIMIT"] = "1000",
    };

    [Fact]
    public void Read_WhenTheSpecificationsVariablesAreSet_TakesThem()
    {
        DynamicMoESettings settings = new Sources { Variables = Specification }.Read();

        Assert.Equal(Specification.Keys.Order(StringComparer.Ordinal), settings.List()
            .Where(value => value.Source.Kind == SettingSourceKind.Environment).Select(value => value.Source.Name!).Order(StringComparer.Ordinal));
        Assert.Equal(LogLevel.Information, settings.Runtime.LogLevel);
    }

    [Fact]
    public void Read_WhenEveryVariableHasAnotherValue_SetsItsOwnKey()
    {
        DynamicMoESettings settings = new Sources
        {
            Variables = new()
            {
                ["DYNAMIC_MOE_LOG_LEVEL"] = "ERROR",
                ["DYNAMIC_MOE_CACHE_SIZE"] = "11",
                ["DYNAMIC_MOE_MAX_WORKERS"] = "12",
                ["DYNAMIC_MOE_ENABLE_CACHING"] = "false",
                ["DYNAMIC_MOE_ENABLE_MONITORING"] = "False",
                ["DYNAMIC_MOE_AUTOSCALE"] = "FALSE",
                ["DYNAMIC_MOE_METRICS_PORT"] = "13",
                ["DYNAMIC_MOE_HEALTH_PORT"] = "14",
                ["DYNAMIC_MOE_ALERT_WEBHOOK"] = "https://a.example/b",
                ["DYNAMIC_MOE_API_KEY_REQUIRED"] = "true",
                ["DYNAMIC_MOE_API_KEYS_FILE"] = "/a/keys",
                ["DYNAMIC_MOE_SSL_ENABLED"] = "true",
                ["DYNAMIC_MOE_SSL_CERT_FILE"] = "/a/cert.pem",
                ["DYNAMIC_MOE_SSL_KEY_FILE"] = "/a/key.pem",
                ["DYNAMIC_MOE_RATE_LIMIT"] = "15",
                ["DYNAMIC_MOE_PORT"] = "16",
                ["DYNAMIC_MOE_ALERT_SECRET"] = "0123456789abcdef",
                ["DYNAMIC_MOE_ISA"] = "scalar",
                ["DYNAMIC_MOE_NATIVE_PATH"] = "/a/b.so",
            },
        }.Read();

        Assert.Equal((LogLevel.Error, InstructionSet.Scalar, "/a/b.so"), (settings.Runtime.LogLevel, settings.Runtime.Isa, settings.Runtime.NativePath));
        Assert.Equal((11, 12, false, false), (
            settings.Optimization.CacheSize, settings.Optimization.MaxWorkers, settings.Optimization.EnableCaching, settings.Optimization.EnableAutoscaling));
        Assert.Equal((false, 13, 14, "https://a.example/b"), (
            settings.Monitoring.EnableMonitoring, settings.Monitoring.MetricsPort, settings.Monitoring.HealthPort, settings.Monitoring.AlertWebhook));
        Assert.Equal((true, true, 15), (settings.Security.ApiKeyRequired, settings.Security.SslEnabled, settings.Security.RateLimit));
        Assert.Equal(("/a/keys", "/a/cert.pem", "/a/key.pem"), (settings.Security.ApiKeysFile, settings.Security.SslCertFile, settings.Security.SslKeyFile));
        Assert.Equal((16, "0123456789abcdef"), (settings.Server.Port, settings.Monitoring.AlertSecret));
    }

    [Fact]
    public void Read_WhenAVariableIsEmpty_CountsAsNotSetButForTheWebhook()
    {
        DynamicMoESettings settings = new Sources
        {
            Yaml = "optimization: {cache_size: 5}\nmonitoring: {alert_webhook: 'http://a'}\n",
            Variables = new() { ["DYNAMIC_MOE_CACHE_SIZE"] = "", ["DYNAMIC_MOE_ALERT_WEBHOOK"] = "", ["DYNAMIC_MOE_ISA"] = "" },
        }.Read();

        Assert.Equal((5, "", InstructionSet.Auto), (settings.Optimization.CacheSize, settings.Monitoring.AlertWebhook, settings.Runtime.Isa));
    }

    [Fact]
    public void Read_WhenAVariableIsOfAnotherProgram_LeavesItAlone() =>
        Assert.DoesNotContain(
            new Sources { Variables = new() { ["PATH"] = "x", ["DYNAMIC_MO_CACHE_SIZE"] = "5", ["dynamic_moe_cache_size"] = "6" } }.Read().List(),
            value => value.Source.Kind == SettingSourceKind.Environment);

    [Fact]
    public void Read_WhenAnAddressHoldsAKey_ShowsSchemeAndHostOnly()
    {
        DynamicMoESettings settings = new Sources { Variables = new() { ["DYNAMIC_MOE_ALERT_WEBHOOK"] = "https://user:pw@hooks.example/services/T0/secret?key=1" } }.Read();
        string[] problems = new Sources { Variables = new() { ["DYNAMIC_MOE_ALERT_WEBHOOK"] = "htps://hooks.example/secret" } }.Problems();

        Assert.Equal("https://user:pw@hooks.example/services/T0/secret?key=1", settings.Monitoring.AlertWebhook);
        Assert.Equal("https://hooks.example/(hidden)", settings.List().Single(value => value.Key == "monitoring.alert_webhook").Value);
        Assert.DoesNotContain("secret", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_WhenASecretIsSet_ShowsNothingOfIt()
    {
        DynamicMoESettings settings = new Sources { Variables = new() { ["DYNAMIC_MOE_ALERT_SECRET"] = "correct-horse-battery" } }.Read();
        string[] problems = new Sources { Variables = new() { ["DYNAMIC_MOE_ALERT_SECRET"] = "correct-horse" } }.Problems();

        Assert.Equal("correct-horse-battery", settings.Monitoring.AlertSecret);
        Assert.Equal("(hidden)", settings.List().Single(value => value.Key == "monitoring.alert_secret").Value);
        Assert.DoesNotContain("horse", Assert.Single(problems), StringComparison.Ordinal);
    }
}
