namespace DynamicMoE.Cli.Evaluation;

/// <summary>Cuts a token stream into windows so that every token but the very first is scored once.</summary>
internal static class TextWindows
{
    /// <summary>Windows of up to <paramref name="length"/> tokens; each starts with the last token of the one before, which gives its
    /// first scored token something to follow.</summary>
    /// <param name="tokens">Token stream.</param>
    /// <param name="length">At least 2.</param>
    public static IReadOnlyList<ReadOnlyMemory<int>> Of(ReadOnlyMemory<int> tokens, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        var windows = new List<ReadOnlyMemory<int>>();
        for (int start = 0; start + 1 < tokens.Length; start += length - 1)
        {
            windows.Add(tokens.Slice(start, Math.Min(length, tokens.Length - start)));
        }

        return windows;
    }
}
