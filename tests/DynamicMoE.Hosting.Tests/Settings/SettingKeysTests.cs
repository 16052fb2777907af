using System.Collections;
using System.Globalization;
using System.Reflection;

namespace DynamicMoE.Hosting.Tests.Settings;

/// <summary>The table of settings, the classes, the commented file and the README say the same.</summary>
public sealed class SettingKeysTests
{
    private static readonly IReadOnlyList<SettingValue> Defaults = new Sources().Read().List();

    [Fact]
    public void FullConfig_WhenRead_HasEveryKeyAtItsDefault()
    {
        IReadOnlyList<SettingValue> read = Sources.Read(Resources.FullConfig).List();

        Assert.All(read, value => Assert.Equal(SettingSourceKind.Yaml, value.Source.Kind));
        Assert.Equal(Defaults.Select(value => (value.Key, value.Value)), read.Select(value => (value.Key, value.Value)));
    }

    [Fact]
    public void Readme_WhenItsTableIsCompared_HasEveryKeyWithDefaultRangeVariableAndReload()
    {
        string[] rows =
        [
            .. Defaults.Select(value => string.Join(
                " | ",
                $"| `{value.Key}`",
                value.Default switch { null => "null", "" => "empty", var text => text },
                value.Allowed,
                value.Variable is null ? "" : $"`{value.Variable["DYNAMIC_MOE_".Length..]}`",
                value.Live ? "yes" : "")),
        ];
        string table = Resources.Readme[Resources.Readme.IndexOf("| Key |", StringComparison.Ordinal)..];
        string[] lines = [.. table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(2)];

        Assert.Equal(rows.Length, lines.Length);
        Assert.All(rows.Zip(lines), pair => Assert.StartsWith(pair.First.Replace("  ", " ", StringComparison.Ordinal), pair.Second, StringComparison.Ordinal));
    }

    // Each key has its own property under the section's class, and each property its key.
    [Fact]
    public void Properties_WhenSettingsAreRead_HaveTheValuesOfTheirKeys()
    {
        DynamicMoESettings settings = new Sources().Read();
        var found = new Dictionary<string, object?>();
        Collect(settings, "", found);

        Assert.Equal(SettingKeys.All.Select(key => key.Path).Order(StringComparer.Ordinal), found.Keys.Order(StringComparer.Ordinal));
        Assert.All(SettingKeys.All, key => Assert.Equal(settings.Table.Get(key), found[key.Path]));
    }

    [Fact]
    public void Keys_WhenTheyHaveVariables_HaveOneEach()
    {
        string[] variables = [.. SettingKeys.All.Select(key => key.Variable).OfType<string>()];

        Assert.Equal(21, variables.Length);
        Assert.Equal(variables.Length, variables.Distinct().Count());
        Assert.All(variables, name => Assert.StartsWith(EnvironmentVariables.Prefix, name, StringComparison.Ordinal));
    }

    public static TheoryData<string, string, string, string> Bounds => new()
    {
        { "router.input_dim", "1", "1048576", "0 1048577 -1 1.5 1e3 0x10 1_000 99999999999999999999" },
        { "router.num_experts", "1", "4096", "0 4097" },
        { "router.min_experts", "1", "4096", "0 4097 -1" },
        { "router.noise_factor", "0", "1", "-0.01 1.01 NaN .nan Infinity .inf -Infinity 1e999 1,5" },
        { "router.balance_step", "1e-6", "1", "0 1.0001 -1 1e-60" },
        { "router.weight_penalty", "1e-6", "0.5", "0 0.51" },
        { "router.adaptation_rate", "1e-9", "1", "0 1.01" },
        { "router.seed", "0", "18446744073709551615", "-1 18446744073709551616" },
        { "router.max_tokens", "1", "1048576", "0 1048577" },
        { "router.threads", "0", "1024", "-1 1025" },
        { "router.estimator.percentile", "1e-6", "100", "0 100.1" },
        { "router.estimator.temperature", "1e-6", "1000", "0 1001" },
        { "router.mean_experts_budget", "1", "4096", "0.99 4097" },
        { "optimization.max_workers", "1", "1024", "0 1025" },
        { "optimization.cache_size", "3", "16777216", "2 16777217" },
        { "optimization.cache_ttl_seconds", "0.001", "31536000", "0 31536001" },
        { "monitoring.alert_thresholds.error_rate", "0", "1", "-0.1 1.1" },
        { "monitoring.metrics_port", "0", "65535", "-1 65536" },
        { "monitoring.alert_secret", "0123456789abcdef", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "0123456789abcde" },
        { "server.port", "0", "65535", "-1 65536" },
        { "server.bind", "0.0.0.0", "::", "localhost 1 127.1 256.0.0.1 example.org 127.0.0.1:80" },
        { "server.max_request_bytes", "1024", "2147483647", "1023 2147483648" },
        { "server.header_timeout_seconds", "0.1", "3600", "0 3601" },
        { "server.log_format", "text", "JSON", "xml" },
        { "benchmarking.warmup_runs", "0", "1000000", "-1 1000001" },
        { "security.rate_limit", "0", "2147483647", "-1 2147483648" },
        { "router.load_balancing", "true", "False", "yes 1 on" },
        { "router.complexity_estimator", "router_margin", "THRESHOLD", "entropy" },
        { "runtime.isa", "scalar", "avx512bf16", "AVX2 sse9" },
        { "runtime.log_level", "INFO", "critical", "verbose 3" },
        { "benchmarking.batch_sizes", "1", "1,65536", "0 1,,2 1,65537 1;2" },
        { "monitoring.alert_webhook", "http://a", "https://hooks.example/x?y=z", "ftp://a hooks.example http:// file:///etc/passwd" },
    };

    [Theory]
    [MemberData(nameof(Bounds))]
    public void Values_WhenAtABoundOrBeyond_AreTakenOrRefused(string key, string low, string high, string refused)
    {
        SettingKey setting = SettingKeys.Find(key)!;
        foreach (string text in (string[])[low, high])
            Assert.Null(setting.Parse(new SettingEntry(setting, text, new SettingSource(SettingSourceKind.CommandLine)), out _));

        foreach (string text in refused.Split(' '))
        {
            SettingProblem? problem = setting.Parse(new SettingEntry(setting, text, new SettingSource(SettingSourceKind.CommandLine)), out object? value);
            Assert.NotNull(problem);
            Assert.Equal((key, setting.Allowed), (problem.Key, problem.Allowed));
            Assert.EndsWith($", must be {setting.Allowed}", problem.Message, StringComparison.Ordinal);
            Assert.Equal(setting.Default, value);
        }
    }

    private static void Collect(object section, string prefix, Dictionary<string, object?> found)
    {
        foreach (PropertyInfo property in section.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            string name = prefix + Snake(property.Name);
            object? value = property.GetValue(section);
            if (value is not null and not IEnumerable && property.PropertyType.Name.EndsWith("Settings", StringComparison.Ordinal))
                Collect(value, $"{name}.", found);
            else
                found.Add(name, value);
        }
    }

    private static string Snake(string name) =>
        string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? $"_{char.ToLower(c, CultureInfo.InvariantCulture)}" : char.ToLower(c, CultureInfo.InvariantCulture).ToString()));
}
