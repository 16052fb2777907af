namespace DynamicMoE.Cli.Sweep;

/// <summary>
/// Windows from all over a text. A text of several files changes as it goes on, and with it what a second expert is worth: its first fiftieth
/// says little about the rest.
/// </summary>
/// <param name="Scored">Evenly spread, in order.</param>
/// <param name="Between">For calibration, evenly spread over those that are not scored; none when too few are left.</param>
internal sealed record SpreadWindows(IReadOnlyList<ReadOnlyMemory<int>> Scored, IReadOnlyList<ReadOnlyMemory<int>> Between)
{
    // One window to calibrate on for four that are scored: 12,800 tokens for the default 200 windows of 256.
    private const int ScoredPerCalibration = 4;

    /// <summary>Chooses.</summary>
    /// <param name="all">Windows of the whole text.</param>
    /// <param name="most">Windows to score, at most.</param>
    public static SpreadWindows Over(IReadOnlyList<ReadOnlyMemory<int>> all, int most)
    {
        int count = Math.Min(most, all.Count), calibration = (count + ScoredPerCalibration - 1) / ScoredPerCalibration;
        HashSet<int> scored = [.. Indices(all.Count, count)];
        int[] rest = [.. Enumerable.Range(0, all.Count).Where(i => !scored.Contains(i))];
        return new SpreadWindows(
            [.. scored.Order().Select(i => all[i])],
            rest.Length < calibration ? [] : [.. Indices(rest.Length, calibration).Select(i => all[rest[i]])]);
    }

    private static IEnumerable<int> Indices(int total, int count) => Enumerable.Range(0, count).Select(i => (int)((long)i * total / count));
}
