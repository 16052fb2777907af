using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace DynamicMoE.Hosting;

/// <summary>
/// The settings in force. When the configuration changes, settings that a running process can take are taken, together or not at all; the others wait for a
/// restart; an invalid configuration changes nothing. Each of this is logged and in <see cref="LastReload"/>.
/// </summary>
public sealed class SettingsMonitor : IOptionsMonitor<DynamicMoESettings>, IOptionsSnapshot<DynamicMoESettings>, IDisposable
{
    private readonly IConfiguration _configuration;
    private readonly Func<ILogger?> _logger;
    private readonly Lock _gate = new();
    private readonly IDisposable _subscription;
    private Action<DynamicMoESettings, string?>? _listeners;
    private CancellationTokenSource _changed = new();
    private DynamicMoESettings _current;
    private SettingsReload? _lastReload;

    /// <summary>Reads the settings and follows their changes.</summary>
    /// <param name="configuration">Where they come from.</param>
    /// <param name="logger">Asked when there is something to log; until then the logging that depends on these settings may not be there.</param>
    /// <exception cref="SettingsException">The settings are not valid.</exception>
    internal SettingsMonitor(IConfiguration configuration, Func<ILogger?> logger)
    {
        _configuration = configuration;
        _logger = logger;
        _current = SettingsReader.Read(configuration);
        _subscription = ChangeToken.OnChange(configuration.GetReloadToken, Reload);
    }

    /// <summary>The settings in force. An object that was handed out never changes.</summary>
    public DynamicMoESettings CurrentValue => Volatile.Read(ref _current);

    /// <inheritdoc/>
    DynamicMoESettings IOptions<DynamicMoESettings>.Value => CurrentValue;

    /// <summary>What became of the latest change of the configuration, or null when there was none.</summary>
    public SettingsReload? LastReload => Volatile.Read(ref _lastReload);

    /// <summary>The settings in force; there is one set, whatever the name.</summary>
    /// <param name="name">Not used.</param>
    /// <returns><see cref="CurrentValue"/>.</returns>
    public DynamicMoESettings Get(string? name) => CurrentValue;

    /// <summary>Calls back after settings were taken.</summary>
    /// <param name="listener">Gets the new settings and the empty name. What it throws is logged and goes no further.</param>
    /// <returns>Ends the calls when it is disposed.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="listener"/> is null.</exception>
    public IDisposable OnChange(Action<DynamicMoESettings, string?> listener)
    {
        ArgumentNullException.ThrowIfNull(listener);
        lock (_gate)
        {
            _listeners += listener;
        }

        return new Subscription(this, listener);
    }

    /// <summary>Calls with the settings in force after each change since some settings: also one that came in between.</summary>
    /// <returns>Ends the calls.</returns>
    internal IDisposable Follow(DynamicMoESettings since, Action<DynamicMoESettings> listener)
    {
        IDisposable subscription = OnChange((_, _) => Latest())!;
        if (!ReferenceEquals(since, CurrentValue))
        {
            Latest();
        }

        return subscription;

        // One at a time, so that the last one sees the last settings.
        void Latest()
        {
            lock (listener)
            {
                listener(CurrentValue);
            }
        }
    }

    /// <summary>Stops following changes.</summary>
    public void Dispose() => _subscription.Dispose();

    // A change may come while the container is being taken down.
    private ILogger? Logger
    {
        get
        {
            try
            {
                return _logger();
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
        }
    }

    /// <summary>A token that fires when settings were taken.</summary>
    internal IChangeToken GetChangeToken()
    {
        lock (_gate)
        {
            return new CancellationChangeToken(_changed.Token);
        }
    }

    // Runs on the thread of whoever changed the configuration, a timer's for files: nothing may escape.
    private void Reload()
    {
        SettingsReload reload;
        DynamicMoESettings before;
        CancellationTokenSource? changed = null;
        Action<DynamicMoESettings, string?>? listeners = null;
        lock (_gate)
        {
            before = _current;
            reload = Take(before);
            if (reload is { Error: null, Applied.Count: > 0 })
            {
                (changed, _changed) = (_changed, new CancellationTokenSource());
                listeners = _listeners;
            }

            Volatile.Write(ref _lastReload, reload);
        }

        Tell(reload);
        Notify(() => changed?.Cancel());
        foreach (Action<DynamicMoESettings, string?> listener in listeners?.GetInvocationList().Cast<Action<DynamicMoESettings, string?>>() ?? [])
        {
            Notify(() => listener(CurrentValue, Options.DefaultName));
        }
    }

    private SettingsReload Take(DynamicMoESettings before)
    {
        try
        {
            SettingValues now = SettingsReader.Read(_configuration).Table;
            List<SettingChange> applied = [], waiting = [];
            HashSet<SettingKey> taken = [];
            foreach (SettingKey key in SettingKeys.All.Where(key => !before.Table.Same(now, key)))
            {
                bool live = key.MayChange(before.Table.Get(key), now.Get(key));
                (live ? applied : waiting).Add(new SettingChange(key.Path, key.Show(before.Table.Get(key)), key.Show(now.Get(key)), now.Source(key)));
                _ = live && taken.Add(key);
            }

            SettingValues merged = before.Table.With(now, taken.Contains);

            // The new configuration is valid, and so was the old one; what stands between them need not be.
            if (SettingRules.Broken(merged, new HashSet<SettingKey>()) is { Count: > 0 } broken)
            {
                return new SettingsReload([], waiting, new SettingsException(broken));
            }

            if (applied.Count > 0)
            {
                Volatile.Write(ref _current, new DynamicMoESettings(merged));
            }

            return new SettingsReload(applied, waiting, null);
        }
        catch (SettingsException error)
        {
            return new SettingsReload([], [], error);
        }
    }

    private void Tell(SettingsReload reload)
    {
        if (Logger is not { } logger)
        {
            return;
        }

        if (reload.Error is { } error)
        {
            Log.ReloadRefused(logger, error.Message);
        }

        foreach (SettingChange change in reload.Applied)
        {
            Log.SettingTaken(logger, change.Key, change.From, change.To, change.Source);
        }

        foreach (SettingChange change in reload.AfterRestart)
        {
            Log.SettingWaits(logger, change.Key, change.From, change.To, change.Source);
        }
    }

    private void Notify(Action call)
    {
        try
        {
            call();
        }
        catch (Exception error)
        {
            if (Logger is { } logger)
            {
                Log.ListenerFailed(logger, error);
            }
        }
    }

    private sealed class Subscription(SettingsMonitor monitor, Action<DynamicMoESettings, string?> listener) : IDisposable
    {
        public void Dispose()
        {
            lock (monitor._gate)
            {
                monitor._listeners -= listener;
            }
        }
    }
}
