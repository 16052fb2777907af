using DynamicMoE.Hosting.Layers;
using DynamicMoE.Hosting.Loading;

namespace DynamicMoE.Hosting;

/// <summary>Gathers <see cref="ServiceStats"/> from those who count.</summary>
internal static class StatsSnapshot
{
    public static ServiceStats Of(ServedModel? model, Engine engine, EngineFigures figures, TimeSpan uptime, bool frozen) => new()
    {
        State = engine.State,
        Model = model?.Info.Name ?? "",
        UptimeSeconds = uptime.TotalSeconds,
        Frozen = frozen,
        Requests = figures.Requests,
        Queue = engine.Queue(),
        Budget = Budget(model?.Arbiter),
        Layers = [.. (model?.Layers ?? []).Select(layer => Layer(layer, model!.Figures))],
        ExpertsPerToken = model?.Figures.ExpertsPerToken() ?? [],
        Latency = figures.Latency(),
        Cache = model?.Layers[0].Cache?.GetCacheStats(),
        CircuitBreaker = model?.Layers[0].Monitor?.CircuitBreakerState,
        Guardrail = Guardrail(model?.Guardrail),
    };

    private static BudgetStats? Budget(BudgetArbiter? arbiter)
    {
        if (arbiter is null)
        {
            return null;
        }

        BudgetDecision decision = arbiter.Decision;
        AdaptationHealth health = arbiter.Health;
        return new BudgetStats(
            arbiter.Budget, decision.Effective, arbiter.RealisedMean, decision.DecidedBy.ToString(), arbiter.BudgetAttainable,
            !health.Degraded ? "held" : health.GuardrailOverridden ? "guardrail overridden" : health.UnattainableLayers > 0 ? "unattainable" : "missed");
    }

    private static LayerStats Layer(ServedLayer layer, ModelFigures figures)
    {
        ExpertUsageStats usage = layer.Core.GetExpertUsageStats();
        LayerTally tally = figures.Layer(layer.Info.Index);
        return new LayerStats(
            layer.Info.Index, usage.AvgUsagePerExpert, usage.TotalRoutes, tally.MeanDistinctExperts, tally.MeanExpertsPerToken, tally.Tokens);
    }

    private static GuardrailStats? Guardrail(ShadowGuardrail? guardrail)
    {
        if (guardrail is null)
        {
            return null;
        }

        GuardrailStatus status = guardrail.GetStatus();
        return new GuardrailStats(status.Samples, status.MeanDrift, status.MeanDivergence, status.Floor);
    }
}
