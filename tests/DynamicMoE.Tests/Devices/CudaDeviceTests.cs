using DynamicMoE.TestKit.Devices;

namespace DynamicMoE.Tests.Devices;

[Collection(SimulatedDriver.Collection)]
public sealed class CudaDeviceTests : IDisposable
{
    private const int OutOfMemory = 2;

    public CudaDeviceTests()
    {
        SimulatedDriver.Reset();
        NativeLibraryOptions.CudaDriverPath = SimulatedDriver.File;
    }

    public void Dispose() => NativeLibraryOptions.CudaDriverPath = null;

    [Fact]
    public void List_ShowsWhatTheDriverHas()
    {
        SimulatedDriver.Reset("devices=2");

        IReadOnlyList<CudaDeviceInfo> devices = CudaDevice.List();

        Assert.Equal([0, 1], devices.Select(device => device.Index));
        Assert.All(devices, device => Assert.True(device.IsUsable, device.Reason));
        Assert.All(devices, device => Assert.Equal(new Version(8, 0), device.ComputeCapability));
        Assert.All(devices, device => Assert.True(device.TotalBytes > 0 && device.Multiprocessors > 0));
    }

    [Fact]
    public void List_WhenThereIsNoDriver_IsEmpty() => Assert.Empty(CudaDevice.List("/no/such/libcuda.so.1"));

    [Fact]
    public void Open_WhenThereIsNoDriver_SaysWhy()
    {
        BackendException error = Assert.Throws<BackendException>(() => CudaDevice.Open(new CudaDeviceOptions { DriverPath = "/no/such/libcuda.so.1" }));

        Assert.Contains("unavailable, because", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WhenTheDeviceIsTooOld_SaysWhy()
    {
        SimulatedDriver.Reset("capability=75");

        BackendException error = Assert.Throws<BackendException>(() => CudaDevice.Open());

        Assert.Contains("7.5", error.Message, StringComparison.Ordinal);
        Assert.False(Assert.Single(CudaDevice.List()).IsUsable);
    }

    [Theory]
    [InlineData(-1, 4, "Index (-1)")]
    [InlineData(0, 0, "MaxCalls (0)")]
    [InlineData(0, 65, "MaxCalls (65)")]
    public void Open_WhenAnOptionIsOutsideItsRange_NamesIt(int index, int calls, string named)
    {
        RouterConfigurationException error = Assert.Throws<RouterConfigurationException>(
            () => CudaDevice.Open(new CudaDeviceOptions { Index = index, MaxCalls = calls }));

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Buffer_KeepsWhatIsCopied()
    {
        using CudaDevice device = CudaDevice.Open();
        using DeviceBuffer buffer = device.Upload([1, 2, 3]);
        var back = new float[3];

        buffer.CopyTo<float>(back);

        Assert.Equal([1, 2, 3], back);
        Assert.Equal(0, buffer.Address % 256);
        Assert.Throws<RoutingValidationException>(() => buffer.CopyFrom<float>(new float[4]));
        Assert.True(device.GetMemoryUsage().UsedBytes >= buffer.Bytes);
    }

    [Fact]
    public void Buffer_WhenDisposed_IsGivenBackAndRefusesCopies()
    {
        using CudaDevice device = CudaDevice.Open();
        long before = device.GetMemoryUsage().UsedBytes;
        DeviceBuffer buffer = device.Allocate(4096);

        buffer.Dispose();
        buffer.Dispose();

        // Memory is given back in the order of a stream.
        device.CheckHealth();
        Assert.True(device.GetMemoryUsage().UsedBytes < before + 4096);
        Assert.Throws<ObjectDisposedException>(() => buffer.CopyTo<float>(new float[1]));
    }

    [Fact]
    public void Allocate_WhenMemoryIsFull_TriesOnceMoreThenThrows()
    {
        using CudaDevice device = CudaDevice.Open();
        SimulatedDriver.Fail("cuMemAllocFromPoolAsync", 1, OutOfMemory);
        device.Allocate(256).Dispose();
        Assert.Equal(1, device.GetMemoryUsage().Retries);

        Assert.Throws<InsufficientDeviceMemoryException>(() => device.Allocate(1L << 50));
    }

    [Fact]
    public void Stream_WhenItsWorkIsDone_IsIdle()
    {
        using CudaDevice device = CudaDevice.Open();
        using DeviceStream stream = device.CreateStream();
        using DeviceBuffer buffer = device.Allocate(64);
        buffer.CopyFrom<float>(new float[16], stream.Handle);

        stream.Wait();

        Assert.True(stream.IsIdle);
        Assert.NotEqual(0, stream.Handle);
    }

    [Fact]
    public void CheckHealth_WhenTheDeviceAnswers_DoesNothing()
    {
        using CudaDevice device = CudaDevice.Open();

        device.CheckHealth();
    }

    [Fact]
    public void Dispose_ReleasesTheContext()
    {
        CudaDevice device = CudaDevice.Open();

        device.Dispose();

        Assert.Equal("", SimulatedDriver.Live);
        Assert.Throws<ObjectDisposedException>(device.CheckHealth);
    }
}
