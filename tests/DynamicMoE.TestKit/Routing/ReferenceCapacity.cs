namespace DynamicMoE.TestKit.Routing;

/// <summary>DESIGN.md 4.9: a limit on the routes of one expert within a batch.</summary>
public static class ReferenceCapacity
{
    /// <summary>ceil(factor * R / E); an integer when the product is one but for the rounding of the factor to float.</summary>
    public static int Of(float factor, int routes, int experts)
    {
        double share = (double)factor * routes / experts;
        double nearest = Math.Round(share);
        return (int)(Math.Abs(share - nearest) <= Math.ScaleB(share, -24) ? nearest : Math.Ceiling(share));
    }

    /// <summary>Applies the capacity in place. Routes claim places in order of falling weight, then token order, then rank.</summary>
    /// <param name="routes">Decisions; ids and weights change.</param>
    /// <param name="factor">Capacity factor, > 0.</param>
    /// <param name="overflow">What happens to routes over it.</param>
    public static void Apply(ReferenceRoutes routes, float factor, ReferenceOverflow overflow)
    {
        int capacity = Of(factor, routes.Routes, routes.Experts);
        var load = new int[routes.Experts];
        var claims =
            from t in Enumerable.Range(0, routes.Tokens)
            from rank in Enumerable.Range(0, routes.Ids[t].Length)
            orderby routes.Weights[t][rank] descending, t, rank
            select (Token: t, Rank: rank);

        // Null = no place found yet.
        var placed = Array.ConvertAll(routes.Ids, ids => new int?[ids.Length]);
        var over = new List<(int Token, int Rank)>();
        foreach ((int token, int rank) in claims.ToList())
        {
            int expert = routes.Ids[token][rank];
            if (load[expert] < capacity)
            {
                load[expert]++;
                placed[token][rank] = expert;
            }
            else
            {
                over.Add((token, rank));
            }
        }

        routes.OverflowRoutes = over.Count;
        if (overflow == ReferenceOverflow.Reroute)
        {
            foreach ((int token, int rank) in over)
            {
                placed[token][rank] = NextChoice(routes, token, load, capacity);
                if (placed[token][rank] is { } expert)
                {
                    load[expert]++;
                    routes.Ids[token][rank] = expert;
                }
            }
        }

        for (int t = 0; t < routes.Tokens; t++)
        {
            Compact(routes, t, placed[t]);
        }
    }

    // The best expert beyond the token's own selection, in its order of preference, that has room.
    private static int? NextChoice(ReferenceRoutes routes, int token, int[] load, int capacity)
    {
        foreach (int expert in routes.Preference[token])
        {
            if (load[expert] < capacity && !routes.Ids[token].Contains(expert))
            {
                return expert;
            }
        }

        return null;
    }

    private static void Compact(ReferenceRoutes routes, int token, int?[] placed)
    {
        double before = routes.Weights[token].Sum();
        int[] kept = [.. Enumerable.Range(0, placed.Length).Where(rank => placed[rank] is not null)];
        routes.DroppedRoutes += placed.Length - kept.Length;
        double after = kept.Sum(rank => routes.Weights[token][rank]);
        routes.Weights[token] = Array.ConvertAll(kept, rank => routes.Weights[token][rank] * (after > 0 ? before / after : 0));
        routes.Ids[token] = Array.ConvertAll(kept, rank => placed[rank]!.Value);
    }
}
