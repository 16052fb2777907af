using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DynamicMoE.Hosting.Health;

/// <summary>Whether the devices of a served model answer. A model of which a layer went over to the processor is degraded.</summary>
internal sealed class DeviceHealthCheck(InferenceService service) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            // The driver is asked on another thread: a device that hangs must not hold the probe's.
            ServedDevices devices = await Task.Run(service.CheckDevices, cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
            return devices.Left is null ? HealthCheckResult.Healthy(devices.Text) : HealthCheckResult.Degraded(devices.Left);
        }
        catch (ServiceUnavailableException)
        {
            return HealthCheckResult.Healthy("nothing is served");
        }
        catch (DynamicMoEException error)
        {
            return HealthCheckResult.Unhealthy(error.Message);
        }
    }
}
