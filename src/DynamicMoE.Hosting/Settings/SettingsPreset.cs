namespace DynamicMoE.Hosting;

/// <summary>Settings for a size of model, in place of the defaults. Files, variables and the command line win over them.</summary>
public enum SettingsPreset
{
    /// <summary>The defaults.</summary>
    None = 0,

    /// <summary>input_dim 512, num_experts 8, min_experts 1, max_experts 4, cache_size 1000, max_workers 4.</summary>
    Small = 1,

    /// <summary>input_dim 1024, num_experts 16, min_experts 1, max_experts 8, cache_size 5000, max_workers 8.</summary>
    Medium = 2,

    /// <summary>input_dim 4096, num_experts 64, min_experts 2, max_experts 16, cache_size 10000, max_workers 16.</summary>
    Large = 3,
}

/// <summary>What presets set. The recommended ranges give each key a lower and an upper end; a preset takes the upper one, and of min_experts the lower:
/// room for as much as the size of model may need, and the fewest experts for a token that needs few.</summary>
internal static class Presets
{
    private static readonly (SettingKey Key, int Small, int Medium, int Large)[] Table =
    [
        (SettingKeys.InputDim, 512, 1024, 4096),
        (SettingKeys.NumExperts, 8, 16, 64),
        (SettingKeys.MinExperts, 1, 1, 2),
        (SettingKeys.MaxExperts, 4, 8, 16),
        (SettingKeys.CacheSize, 1000, 5000, 10_000),
        (SettingKeys.MaxWorkers, 4, 8, 16),
    ];

    /// <summary>Settings of a preset with their values.</summary>
    internal static IEnumerable<(SettingKey Key, object Value)> Of(SettingsPreset preset) =>
        preset == SettingsPreset.None
            ? []
            : Table.Select(row => (row.Key, (object)(preset switch
            {
                SettingsPreset.Small => row.Small,
                SettingsPreset.Medium => row.Medium,
                _ => row.Large,
            })));
}
