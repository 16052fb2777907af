namespace DynamicMoE;

/// <summary>Routes that come from outside: checked before an expert runs, and counted.</summary>
internal static class GivenRoutes
{
    /// <summary>Checks ids and weights, and writes ExpertsPerToken and ExpertRoutes from the ids.</summary>
    /// <exception cref="RoutingValidationException">The buffers do not fit, or a route is not valid; names token and value.</exception>
    internal static void Check(RoutingBuffers routes, int tokens, int experts)
    {
        if (tokens > routes.MaxTokens || routes.NumExperts != experts)
        {
            throw new RoutingValidationException(
                $"The routing buffers hold 1..{routes.MaxTokens} tokens of {routes.NumExperts} experts; {tokens} tokens of {experts} experts are needed.");
        }

        Array.Clear(routes.ExpertRoutes);
        for (int token = 0; token < tokens; token++)
        {
            routes.ExpertsPerToken[token] = CheckToken(routes, token, experts);
        }
    }

    /// <summary>Figures of checked routes.</summary>
    internal static RoutingReport Report(RoutingBuffers routes, int tokens)
    {
        long sum = 0, largest = 0;
        int distinct = 0;
        foreach (long count in routes.ExpertRoutes)
        {
            sum += count;
            largest = Math.Max(largest, count);
            distinct += count > 0 ? 1 : 0;
        }

        return new RoutingReport(tokens, sum, distinct, largest, 0, 0);
    }

    private static int CheckToken(RoutingBuffers routes, int token, int experts)
    {
        ReadOnlySpan<int> ids = routes.ExpertIndices.AsSpan(token * routes.Slots, routes.Slots);
        int used = ids.IndexOf(-1);
        used = used < 0 ? ids.Length : used;
        for (int slot = 0; slot < used; slot++)
        {
            int id = ids[slot];
            float weight = routes.ExpertWeights[(token * routes.Slots) + slot];
            if ((uint)id >= (uint)experts || ids[..slot].Contains(id) || !float.IsFinite(weight))
            {
                throw new RoutingValidationException(
                    $"routes: token {token} slot {slot} has expert {id} with weight {weight}; ids are distinct and within 0..{experts - 1}, weights finite.");
            }

            routes.ExpertRoutes[id]++;
        }

        return ids[used..].ContainsAnyExcept(-1)
            ? throw new RoutingValidationException($"routes: token {token} has an expert behind unused slot {used}; used slots come first.")
            : used;
    }
}
