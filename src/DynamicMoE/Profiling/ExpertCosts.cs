namespace DynamicMoE;

/// <summary>Operations of native experts; the README has the formulas.</summary>
internal static class ExpertCosts
{
    /// <summary>Operations of one expert on one token beside its matrix products: biases and activation.</summary>
    internal static long OtherFlopsPerToken(ExpertBank bank)
    {
        long width = bank.Width, hidden = bank.Hidden;
        long activation = width * bank.Kind switch
        {
            ExpertKind.SwiGlu or ExpertKind.Gelu => 5,
            ExpertKind.GeluTanh => 9,
            ExpertKind.Silu => 4,
            _ => 0,
        };
        long biases = bank.Kind switch
        {
            ExpertKind.SwiGlu => (2 * width) + hidden,
            ExpertKind.Linear => hidden,
            _ => width + hidden,
        };
        return activation + (bank.UseBias ? biases : 0);
    }

    /// <summary>Experts with a route, by id.</summary>
    internal static IReadOnlyList<ExpertCost> ById(ExpertBank bank, ReadOnlySpan<long> routes)
    {
        var costs = new List<ExpertCost>();
        long products = bank.FlopsPerToken, other = OtherFlopsPerToken(bank);
        for (int expert = 0; expert < routes.Length; expert++)
        {
            if (routes[expert] > 0)
            {
                costs.Add(new ExpertCost(expert, routes[expert], routes[expert] * products, routes[expert] * other, bank.BytesPerExpert));
            }
        }

        return costs;
    }

    /// <summary>Routed experts together.</summary>
    internal static ComponentCost Routed(ExpertBank bank, long routes, int distinct) => new(
        ProfileComponents.Experts,
        bank.Format,
        routes * bank.FlopsPerToken,
        routes * OtherFlopsPerToken(bank),
        distinct * bank.BytesPerExpert,
        2 * sizeof(float) * routes * bank.Hidden);

    /// <summary>Shared experts, without their gate.</summary>
    internal static ComponentCost Shared(ExpertBank bank, long tokens) =>
        Routed(bank, tokens * bank.NumExperts, bank.NumExperts) with { Component = ProfileComponents.SharedExperts };

    /// <summary>The gate of shared experts: a dot product and a sigmoid per token.</summary>
    internal static ComponentCost SharedGate(long tokens, long hidden) => new(
        ProfileComponents.SharedExperts,
        WeightFormat.Float32,
        2 * tokens * hidden,
        3 * tokens,
        sizeof(float) * hidden,
        sizeof(float) * tokens * (hidden + 1));
}
