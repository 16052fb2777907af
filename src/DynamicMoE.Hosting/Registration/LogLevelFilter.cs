using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace DynamicMoE.Hosting;

/// <summary><c>runtime.log_level</c> as a rule of the host's logging, for the categories that begin with <c>DynamicMoE</c>; follows changes.</summary>
internal sealed class LogLevelFilter(IServiceProvider services) : IConfigureOptions<LoggerFilterOptions>, IOptionsChangeTokenSource<LoggerFilterOptions>
{
    internal const string Category = "DynamicMoE";

    public string? Name => Options.DefaultName;

    public void Configure(LoggerFilterOptions options)
    {
        if (Settings?.CurrentValue.Runtime.LogLevel is { } level)
        {
            options.Rules.Add(new LoggerFilterRule(null, Category, level, null));
        }
    }

    public IChangeToken GetChangeToken() => Settings?.GetChangeToken() ?? new CancellationChangeToken(CancellationToken.None);

    // Settings that are refused are told by whoever needs them; logging has to work to tell it.
    private SettingsMonitor? Settings
    {
        get
        {
            try
            {
                return services.GetRequiredService<SettingsMonitor>();
            }
            catch (SettingsException)
            {
                return null;
            }
        }
    }
}
