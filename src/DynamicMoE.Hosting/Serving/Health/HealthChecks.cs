using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DynamicMoE.Hosting.Health;

/// <summary>Whether the process is worth keeping: only a failed engine is dead.</summary>
internal sealed class EngineHealthCheck(InferenceService service) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ServiceState state = service.State;
        return Task.FromResult(state == ServiceState.Failed ? HealthCheckResult.Unhealthy(StateNames.Of(state)) : HealthCheckResult.Healthy(StateNames.Of(state)));
    }
}

/// <summary>Whether requests are taken: not before the model is there, and not while the service drains.</summary>
internal sealed class ServingHealthCheck(InferenceService service) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ServiceState state = service.State;
        return Task.FromResult(state == ServiceState.Running ? HealthCheckResult.Healthy(StateNames.Of(state)) : HealthCheckResult.Unhealthy(StateNames.Of(state)));
    }
}

/// <summary>Whether the service has started; it then stays so.</summary>
internal sealed class StartedHealthCheck(InferenceService service) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ServiceState state = service.State;
        return Task.FromResult(
            state is ServiceState.Starting or ServiceState.Failed ? HealthCheckResult.Unhealthy(StateNames.Of(state)) : HealthCheckResult.Healthy(StateNames.Of(state)));
    }
}

/// <summary>States as probes show them.</summary>
internal static class StateNames
{
    public static string Of(ServiceState state) => state switch
    {
        ServiceState.Starting => "starting",
        ServiceState.Running => "running",
        ServiceState.Draining => "draining",
        ServiceState.Failed => "failed",
        _ => "stopped",
    };
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
