using System.Globalization;
using System.Text;
using DynamicMoE.Hosting.Tests.Registration;
using DynamicMoE.TestKit.Generators;
using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting.Tests.Fuzz;

/// <summary>10,000 damaged settings: nothing but the documented exceptions, the settings in force stay whole, native memory comes back.</summary>
[Collection(NativeMemory.Name)]
public sealed class ConfigFuzzTests
{
    private const int Files = 8000, Sets = 2000;

    // Every file comes as a change of the one before, to one process.
    [Fact]
    public void Reload_WhenTheFileIsDamagedInAnyWay_KeepsSettingsWholeAndMemoryEven()
    {
        string[] originals = [Resources.SpecConfig, Resources.SpecConfig.Replace("768", "8", StringComparison.Ordinal), Short];
        var file = new YamlBytesSource(Encoding.UTF8.GetBytes(originals[0]));
        using var monitor = new SettingsMonitor(
            new ConfigurationBuilder().Add(file).Add(new EnvironmentConfigurationSource { Variables = new Dictionary<string, string>() }).Build(), () => null);
        SettingValues start = monitor.CurrentValue.Table;
        int refused = 0, taken = 0, routers = 0;
        long before = RuntimeInfo.Query().AllocatedBytes;
        for (int i = 0; i < Files; i++)
        {
            byte[] bytes = new ConfigMutator((ulong)i).Mutate(originals[i % originals.Length]);
            DynamicMoESettings inForce = monitor.CurrentValue;
            file.Replace(bytes);
            SettingsReload reload = monitor.LastReload!;
            try
            {
                if (reload.Error is { } error)
                {
                    refused++;
                    Assert.Same(inForce, monitor.CurrentValue);
                    Assert.NotEmpty(error.Problems);
                    Assert.All(error.Problems, RequireReadable);
                }
                else
                {
                    taken++;
                    routers += TryRouter(Reread(bytes)) ? 1 : 0;
                }

                // Whatever happened: valid together, and nothing changed that waits for a restart.
                Assert.Empty(SettingRules.Broken(monitor.CurrentValue.Table, new HashSet<SettingKey>()));
                Assert.DoesNotContain(SettingKeys.All, key => key.Reload == ReloadRule.Restart && !start.Same(monitor.CurrentValue.Table, key));
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"seed {i}:\n{Encoding.Latin1.GetString(bytes)}", failure);
            }
        }

        Assert.InRange(refused, Files / 4, Files);
        Assert.InRange(taken, Files / 20, Files);
        Assert.InRange(routers, 20, Files);
        Assert.Equal(before, RuntimeInfo.Query().AllocatedBytes);
    }

    [Fact]
    public void Read_WhenVariablesAndAssignmentsAreDamaged_RefusesOrTakesThem()
    {
        int refused = 0;
        for (int i = 0; i < Sets; i++)
        {
            var random = new SeededRandom((ulong)i);
            var sources = new Sources
            {
                Variables = Enumerable.Range(0, random.NextInt(0, 4)).ToDictionary(n => $"DYNAMIC_MOE_{Any(random, "CACHE_SIZE", "ISA", "LOG_LEVEL", "RATE_LIMIT", "X")}{(n > 0 ? $"{n}" : "")}", _ => Text(random)),
                Assignments = [.. Enumerable.Range(0, random.NextInt(0, 4)).Select(_ => $"{Any(random, [.. SettingKeys.All.Select(key => key.Path), "", "router", "a.b"])}{Any(random, "=", "=", "=", "")}{Text(random)}")],
            };
            try
            {
                Assert.Equal(SettingKeys.All.Count, sources.Read().List().Count);
            }
            catch (SettingsException error)
            {
                refused++;
                Assert.All(error.Problems, RequireReadable);
            }
        }

        Assert.InRange(refused, Sets / 4, Sets * 19 / 20);
    }

    private static void RequireReadable(SettingProblem problem)
    {
        string text = problem.ToString();
        Assert.InRange(text.Length, 10, 600);
        Assert.DoesNotContain(text, char.IsControl);
    }

    private static DynamicMoESettings Reread(byte[] bytes) => DynamicMoESettings.Read(
        new ConfigurationBuilder().Add(new YamlBytesSource(bytes)).Add(new EnvironmentConfigurationSource { Variables = new Dictionary<string, string>() }).Build());

    // @return whether there is a router now gone; not for sizes that would only test this machine's memory
    private static bool TryRouter(DynamicMoESettings settings)
    {
        RouterSettings router = settings.Router;
        if (router.InputDim is not int columns || router.NumExperts is not int experts || (long)columns * experts > 1 << 14 || (long)router.MaxTokens * experts > 1 << 16)
            return false;
        try
        {
            using DynamicRouter made = RouterFactory.Create(router.ToOptions(), null, settings);
            Assert.Equal(experts, made.NumExperts);
            return true;
        }
        catch (BackendException)
        {
            // A level that this machine does not run.
            return false;
        }
    }

    // Groups, lists, nulls, quotes and live settings in few lines: YAML is most of the time here.
    private const string Short = """
        router: {input_dim: 8, num_experts: 4, max_experts: null, routing_strategy: threshold, mean_experts_budget: 1.5}
        monitoring:
          alert_thresholds: {avg_latency_ms: 5, error_rate: 0.5}
          alert_webhook: "http://a.example/b"
        benchmarking:
          batch_sizes:
            - 1
            - 8
          output_dir: 'a b'
        runtime:
          log_level: info

        """;

    private static string Any(SeededRandom random, params string[] values) => values[random.NextInt(0, values.Length)];

    private static string Text(SeededRandom random) => random.NextInt(0, 4) switch
    {
        0 => Any(random, "", "0", "1", "4", "0.5", "true", "none", "info", "scalar", "top_k", "1,2", "null"),
        1 => random.NextInt(-5, 5000).ToString(CultureInfo.InvariantCulture),
        2 => new string((char)random.NextInt(1, 0x250), random.NextInt(1, 200)),
        _ => Encoding.Latin1.GetString([.. Enumerable.Range(0, random.NextInt(0, 12)).Select(_ => (byte)random.NextInt(1, 256))]),
    };
}
