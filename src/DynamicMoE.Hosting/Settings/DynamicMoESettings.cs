using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting;

/// <summary>All settings, checked. An object never changes; a reload makes a new one.</summary>
public sealed class DynamicMoESettings
{
    internal DynamicMoESettings(SettingValues values)
    {
        Table = values;
        Router = new RouterSettings(values);
        Optimization = new OptimizationSettings(values);
        Monitoring = new MonitoringSettings(values);
        Benchmarking = new BenchmarkingSettings(values);
        Runtime = new RuntimeSettings(values);
        Serving = new ServingSettings(values);
        Server = new ServerSettings(values);
        Security = new SecuritySettings(values);
    }

    /// <summary><c>preset</c>: what stands in place of the defaults.</summary>
    /// <value>The default is <see cref="SettingsPreset.None"/>.</value>
    public SettingsPreset Preset => Table.Get(SettingKeys.Preset);

    /// <summary><c>router</c>: the router and its estimator.</summary>
    public RouterSettings Router { get; }

    /// <summary><c>optimization</c>: workers, autoscaling and the routing cache.</summary>
    public OptimizationSettings Optimization { get; }

    /// <summary><c>monitoring</c>: circuit breaker, alerts and ports.</summary>
    public MonitoringSettings Monitoring { get; }

    /// <summary><c>benchmarking</c>: what a benchmark runs.</summary>
    public BenchmarkingSettings Benchmarking { get; }

    /// <summary><c>runtime</c>: logging and the native library.</summary>
    public RuntimeSettings Runtime { get; }

    /// <summary><c>serving</c>: the queue, its batches and what happens under overload.</summary>
    public ServingSettings Serving { get; }

    /// <summary><c>server</c>: where the HTTP service listens and what it takes.</summary>
    public ServerSettings Server { get; }

    /// <summary><c>security</c>: what the HTTP service asks of its callers.</summary>
    public SecuritySettings Security { get; }

    internal SettingValues Table { get; }

    /// <summary>Lists every setting with its value, source and range.</summary>
    /// <returns>The settings in the order of the documentation.</returns>
    public IReadOnlyList<SettingValue> List() => [.. SettingKeys.All.Select(Table.Show)];

    /// <summary>Reads and checks settings. The process's environment counts as one source above all others but the command line, unless
    /// <paramref name="configuration"/> has it at a place of its own (<see cref="SettingConfigurationExtensions.AddDynamicMoEEnvironment"/>).</summary>
    /// <param name="configuration">A root, in which keys that are not ours are left alone except in our own sources; or a section, which holds nothing but settings.</param>
    /// <returns>The settings.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="configuration"/> is null.</exception>
    /// <exception cref="SettingsException">Something is unknown, outside its range or contradictory; the message names all of it.</exception>
    public static DynamicMoESettings Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return SettingsReader.Read(configuration);
    }
}
