namespace DynamicMoE.Hosting;

/// <summary>Finds the name that a misspelt one was probably meant to be.</summary>
internal static class Similar
{
    private const int MostEdits = 2, MostLength = 64;

    /// <summary>The candidate that is fewest edits away, at most two, or whose last part is the same; null when there is none.</summary>
    internal static string? Nearest(string name, IEnumerable<string> candidates)
    {
        if (name.Length > MostLength)
        {
            return null;
        }

        string? nearest = null;
        int fewest = MostEdits + 1;
        foreach (string candidate in candidates)
        {
            int edits = Edits(name, candidate);
            if (edits < fewest && candidate != name)
            {
                (nearest, fewest) = (candidate, edits);
            }
        }

        return nearest ?? candidates.FirstOrDefault(candidate => candidate.EndsWith($".{name[(name.LastIndexOf('.') + 1)..]}", StringComparison.OrdinalIgnoreCase));
    }

    // Levenshtein's distance without regard to case, one row at a time.
    private static int Edits(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > MostEdits)
        {
            return MostEdits + 1;
        }

        Span<int> row = stackalloc int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }

        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                int change = diagonal + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                row[j] = Math.Min(change, Math.Min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
