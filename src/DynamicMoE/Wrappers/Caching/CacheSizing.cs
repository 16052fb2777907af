namespace DynamicMoE;

/// <summary>Decides how many rows a cache may hold, from what it is worth. Not safe for many threads.</summary>
/// <param name="least">Fewest rows.</param>
/// <param name="most">Most rows.</param>
internal sealed class CacheSizing(int least, int most)
{
    /// <summary>Lookups that would have been hits in a larger cache, as a share, from which growing is worth its memory.</summary>
    private const double WorthGrowing = 0.02;

    /// <summary>Windows in a row that call for fewer rows before there are fewer.</summary>
    private const int WindowsBeforeShrinking = 2;

    private int _shrinking;

    /// <summary>Takes a window into account.</summary>
    /// <param name="window">What was counted.</param>
    /// <param name="verdict">What a row costs and saves.</param>
    /// <returns>Most rows from now on.</returns>
    internal int Next(CacheWindow window, CacheVerdict verdict)
    {
        double lookups = window.Hits + window.Misses;
        double returned = lookups > 0 ? window.Returned / lookups : 0;

        // A row that is found saves about what routing it costs.
        bool larger = window.Full && returned >= WorthGrowing && verdict.Saved + (returned * verdict.Plain) > 0;
        bool smaller = !larger && (verdict.Pays == false || window.Distinct < window.Size / 4);
        _shrinking = smaller ? _shrinking + 1 : 0;
        if (larger)
        {
            return (int)Math.Min(most, 2L * window.Size);
        }

        if (_shrinking < WindowsBeforeShrinking)
        {
            return window.Size;
        }

        _shrinking = 0;
        return Math.Max(least, window.Size / 2);
    }
}
