using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DynamicMoE.Hosting.Health;

/// <summary>Whether requests are taken. Starting and draining are no reason to end the process: only a failed engine is dead.</summary>
internal sealed class EngineHealthCheck(InferenceService service) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ServiceState state = service.State;
        return Task.FromResult(state switch
        {
            ServiceState.Running => HealthCheckResult.Healthy("running"),
            ServiceState.Failed => HealthCheckResult.Unhealthy("failed"),
            _ => HealthCheckResult.Degraded(state == ServiceState.Starting ? "starting" : "draining"),
        });
    }
}

/// <summary>How full the queue is.</summary>
internal sealed class QueueHealthCheck(InferenceService service) : IHealthCheck
{
    private const double Full = 0.95;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        double fill = service.QueueFill;
        string text = FormattableString.Invariant($"{fill:P0} full");
        return Task.FromResult(fill >= Full ? HealthCheckResult.Degraded(text) : HealthCheckResult.Healthy(text));
    }
}

/// <summary>Whether a circuit breaker keeps requests from a router.</summary>
internal sealed class BreakerHealthCheck(InferenceService service) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        CircuitBreakerState? state = service.GetStats().CircuitBreaker;
        return Task.FromResult(state is CircuitBreakerState.Open
            ? HealthCheckResult.Degraded("open")
            : HealthCheckResult.Healthy(state is null ? "none" : state.Value.ToString()));
    }
}

/// <summary>Whether the budget is held.</summary>
internal sealed class BudgetHealthCheck(InferenceService service) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        string health = service.GetStats().Budget?.Health ?? "none";
        return Task.FromResult(health is "held" or "none" ? HealthCheckResult.Healthy(health) : HealthCheckResult.Degraded(health));
    }
}
