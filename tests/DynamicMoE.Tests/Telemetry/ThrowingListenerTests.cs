using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.Loader;
using DynamicMoE.TestKit.Devices;

namespace DynamicMoE.Tests.Telemetry;

/// <summary>A listener that throws when instruments are made, which happens once in a process: here in a second copy of the library.</summary>
[Collection(SimulatedDriver.Collection)]
public sealed class ThrowingListenerTests
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    [Fact]
    public void Open_WhenAListenerThrowsAtEachInstrument_OpensAndClosesTheDevice()
    {
        SimulatedDriver.Reset();
        Assembly library = new SecondCopy().LoadFromAssemblyPath(typeof(CudaDevice).Assembly.Location);
        var meter = (Meter)library.GetType("DynamicMoE.Instruments", throwOnError: true)!.GetField("Meter", Any)!.GetValue(null)!;
        var refused = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (ReferenceEquals(instrument.Meter, meter) && instrument.Name.StartsWith("dynamicmoe.device.", StringComparison.Ordinal))
                {
                    refused.Add(instrument.Name);
                    throw new InvalidOperationException("refused");
                }
            },
        };
        listener.Start();

        try
        {
            Open(library).Dispose();
            Open(library).Dispose();
        }
        finally
        {
            meter.Dispose();
        }

        Assert.Equal(
            [
                MoEMetrics.DeviceMemoryUsed, MoEMetrics.DeviceMemoryReserved, MoEMetrics.DeviceMemoryFree, MoEMetrics.DeviceCalls, MoEMetrics.DeviceLaunches,
                MoEMetrics.DeviceAllocationRetries,
            ],
            refused);
        Assert.Equal("", SimulatedDriver.Live);
    }

    private static IDisposable Open(Assembly library)
    {
        Type optionsType = library.GetType(typeof(CudaDeviceOptions).FullName!, throwOnError: true)!;
        object options = Activator.CreateInstance(optionsType)!;
        optionsType.GetProperty(nameof(CudaDeviceOptions.DriverPath))!.SetValue(options, SimulatedDriver.File);
        return (IDisposable)library.GetType(typeof(CudaDevice).FullName!, throwOnError: true)!.GetMethod(nameof(CudaDevice.Open), Any)!.Invoke(null, [options])!;
    }

    private sealed class SecondCopy() : AssemblyLoadContext(nameof(ThrowingListenerTests))
    {
        // What is not the library's own is shared.
        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == "DynamicMoE.Bindings" ? LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, "DynamicMoE.Bindings.dll")) : null;
    }
}
