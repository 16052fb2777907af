using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>Answer of <c>/v1/feedback</c>.</summary>
/// <param name="Offset">What feedback adds to the budget, experts per token.</param>
internal sealed record FeedbackAnswer(double Offset);

/// <summary>Answer of <c>/v1/admin/freeze</c> and <c>/v1/admin/thaw</c>.</summary>
/// <param name="Frozen">Whether adaptation stands still.</param>
internal sealed record FrozenAnswer(bool Frozen);

/// <summary>Answer of <c>/v1/admin/cache/clear</c>.</summary>
/// <param name="Rows">Rows that were dropped.</param>
internal sealed record CacheAnswer(int Rows);

/// <summary>Answer of <c>/v1/admin/reload</c>.</summary>
/// <param name="Model">What is served now.</param>
internal sealed record ReloadAnswer(ModelDocument Model);

/// <summary>Answer of <c>/v1/admin/config/reload</c>.</summary>
/// <param name="Applied">Settings that have their new value.</param>
/// <param name="AfterRestart">Settings that wait for a restart.</param>
internal sealed record ConfigAnswer(IReadOnlyList<ConfigChange> Applied, IReadOnlyList<ConfigChange> AfterRestart);

/// <summary>A setting with another value than before, as the log shows it: secrets cut.</summary>
/// <param name="Key">Its place in the file.</param>
/// <param name="From">Before; null: not set.</param>
/// <param name="To">Now; null: not set.</param>
internal sealed record ConfigChange(string Key, string? From, string? To)
{
    public static IReadOnlyList<ConfigChange> Of(IReadOnlyList<SettingChange> changes) => [.. changes.Select(c => new ConfigChange(c.Key, c.From, c.To))];
}
