using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DynamicMoE.Hosting.Health;

/// <summary>Whether the devices of a served model answer. A model of which a layer went over to the processor is degraded. One per host: probes that come while
/// a device is still being asked wait for that answer.</summary>
internal sealed class DeviceHealthCheck(InferenceService service, TimeProvider time) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private Task<ServedDevices>? _asked;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            ServedDevices devices = await Ask().WaitAsync(Patience, time, cancellationToken).ConfigureAwait(false);
            return devices.Left is null ? HealthCheckResult.Healthy(devices.Text) : HealthCheckResult.Degraded(devices.Left);
        }
        catch (TimeoutException)
        {
            return HealthCheckResult.Unhealthy("a device has not answered for 2 s");
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

    // On a thread of the pool: a device that hangs holds that one, and no probe's.
    private Task<ServedDevices> Ask()
    {
        lock (_gate)
        {
            return _asked is { IsCompleted: false } ? _asked : _asked = Task.Run(service.CheckDevices);
        }
    }
}
