namespace DynamicMoE.Hosting;

/// <summary>What became of a change of the configuration while the process ran.</summary>
/// <param name="Applied">Settings that have their new value.</param>
/// <param name="AfterRestart">Settings that keep their old value until the process is started again.</param>
/// <param name="Error">Why nothing was taken, or null when the new configuration is valid.</param>
public sealed record SettingsReload(IReadOnlyList<SettingChange> Applied, IReadOnlyList<SettingChange> AfterRestart, SettingsException? Error);

/// <summary>A setting that has another value than before.</summary>
/// <param name="Key">Its place in the file.</param>
/// <param name="From">The value in force before, or null when it was not set.</param>
/// <param name="To">The value that the configuration has now, or null when it is not set.</param>
/// <param name="Source">Who set the new value.</param>
public sealed record SettingChange(string Key, string? From, string? To, SettingSource Source);
