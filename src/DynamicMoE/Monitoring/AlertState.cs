using System.Text.Json.Serialization;

namespace DynamicMoE;

/// <summary>Whether an alert begins or ends.</summary>
public enum AlertState
{
    /// <summary>The value is above its threshold.</summary>
    [JsonStringEnumMemberName("raised")]
    Raised,

    /// <summary>It is not any more.</summary>
    [JsonStringEnumMemberName("resolved")]
    Resolved,
}
