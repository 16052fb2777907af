namespace DynamicMoE;

/// <summary>Largest sizes that the native core takes (dynamicmoe.h states the same figures).</summary>
internal static class Limits
{
    internal const int MaxHidden = 1_048_576;
    internal const int MaxExperts = 4096;

    /// <summary>Tokens of one chunk, which workspaces are sized for.</summary>
    internal const int MaxTokens = 1_048_576;

    internal const int MaxThreads = 1024;

    /// <summary>Tokens of one call: buffers are indexed by int.</summary>
    internal const int MaxBatchTokens = 16_777_216;
}
