using DynamicMoE.TestKit.Devices;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Telemetry;

/// <summary>Runs alone: listeners of other tests would listen to the device too.</summary>
[Collection(NativeMemory.Name)]
public sealed class UnwatchedDeviceTests
{
    [Fact]
    public void Dispose_WhenNobodyListens_DoesNotAskTheDevice()
    {
        SimulatedDriver.Reset();
        CudaDevice device = CudaDevice.Open(new CudaDeviceOptions { DriverPath = SimulatedDriver.File });

        device.Dispose();

        Assert.Equal(0, SimulatedDriver.Calls("cuMemGetInfo_v2"));
        Assert.Equal("", SimulatedDriver.Live);
    }
}
