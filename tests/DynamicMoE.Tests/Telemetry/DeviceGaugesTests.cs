using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using DynamicMoE.TestKit.Devices;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Telemetry;

[Collection(SimulatedDriver.Collection)]
public sealed class DeviceGaugesTests : IDisposable
{
    private const int OutOfMemory = 2;
    private const string MemoryInfo = "cuMemGetInfo_v2";

    private static readonly string[] Gauges =
        [MoEMetrics.DeviceMemoryUsed, MoEMetrics.DeviceMemoryReserved, MoEMetrics.DeviceMemoryFree, MoEMetrics.DeviceCalls];

    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, long> _seen = [];

    public DeviceGaugesTests()
    {
        SimulatedDriver.Reset("devices=2");
        NativeLibraryOptions.CudaDriverPath = SimulatedDriver.File;
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == MoEMetrics.MeterName && instrument.Name.StartsWith("dynamicmoe.device.", StringComparison.Ordinal))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        // A set of labels that is given twice throws here.
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            _seen.Add(string.Join(' ', [instrument.Name, .. tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}")]), value));
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        NativeLibraryOptions.CudaDriverPath = null;
    }

    [Fact]
    public void Collect_OfAnOpenDevice_GivesWhatItsUsageSays()
    {
        using CudaDevice device = Open(1);
        Collect();
        // Counters of a device go on from what closed objects of it had counted.
        Dictionary<string, long> before = new(_seen);
        SimulatedDriver.Fail("cuMemAllocFromPoolAsync", 1, OutOfMemory);
        using DeviceBuffer buffer = device.Allocate(4096);
        DeviceMemoryUsage usage = device.GetMemoryUsage();

        Collect();

        Dictionary<string, long> expected = new(before)
        {
            [$"{MoEMetrics.DeviceMemoryUsed} device=1"] = usage.UsedBytes,
            [$"{MoEMetrics.DeviceMemoryReserved} device=1"] = usage.ReservedBytes,
            [$"{MoEMetrics.DeviceMemoryFree} device=1"] = usage.FreeBytes,
            [$"{MoEMetrics.DeviceCalls} device=1"] = usage.Calls,
        };
        expected[$"{MoEMetrics.DeviceAllocationRetries} device=1"]++;
        Assert.Equal(expected, _seen);
        Assert.Contains($"{MoEMetrics.DeviceLaunches} device=1 graph=true", _seen.Keys);
        Assert.Contains($"{MoEMetrics.DeviceLaunches} device=1 graph=false", _seen.Keys);
        Assert.True(usage.UsedBytes >= buffer.Bytes);
    }

    [Fact]
    public void Collect_OfSeveralObjectsOfADevice_SumsWhatIsTheirsAndTakesTheFreeBytesOnce()
    {
        using CudaDevice one = Open(0), two = Open(0), other = Open(1);
        using DeviceBuffer first = one.Allocate(4096), second = two.Allocate(1 << 16);

        Collect();

        Assert.Equal(one.GetMemoryUsage().UsedBytes + two.GetMemoryUsage().UsedBytes, _seen[$"{MoEMetrics.DeviceMemoryUsed} device=0"]);
        Assert.Equal(one.GetMemoryUsage().ReservedBytes + two.GetMemoryUsage().ReservedBytes, _seen[$"{MoEMetrics.DeviceMemoryReserved} device=0"]);
        Assert.Equal(one.GetMemoryUsage().FreeBytes, _seen[$"{MoEMetrics.DeviceMemoryFree} device=0"]);
        Assert.Equal(other.GetMemoryUsage().UsedBytes, _seen[$"{MoEMetrics.DeviceMemoryUsed} device=1"]);
    }

    [Fact]
    public void Collect_WhenLayersRan_CountsTheirCallsAndDoesNotFallWhenAnObjectIsClosed()
    {
        using CudaDevice stays = Open(0);
        Collect();
        long before = Launches();
        using (CudaDevice device = Open(0))
        {
            Run(device, 3);
            Collect();
            Assert.Equal(3, Launches() - before);
        }

        Collect();
        Assert.Equal(3, Launches() - before);
        Run(stays, 2);
        Collect();
        Assert.Equal(5, Launches() - before);
    }

    [Fact]
    public void Collect_WhenADeviceIsDisposed_LeavesItsGaugesOutAndKeepsItsCounters()
    {
        CudaDevice device = Open(0);
        Run(device, 1);
        Collect();
        string[] before = Counters();
        Assert.NotEmpty(GaugesSeen());

        device.Dispose();

        Collect();
        Assert.Empty(GaugesSeen());
        Assert.Equal(before, Counters());
        Assert.Equal(3, before.Length);
    }

    [Fact]
    public void Dispose_WhenSomebodyListens_CountsWhatRanSinceTheLastCollection()
    {
        CudaDevice device = Open(0);
        Collect();
        long before = Launches();
        Run(device, 3);

        device.Dispose();
        device.Dispose();

        Collect();
        Assert.Equal(3, Launches() - before);
    }

    [Fact]
    public void Collect_WhenADisposedDeviceHasALayer_HasItUntilTheLayerIsDisposedToo()
    {
        CudaDevice device = Open(0);
        using (var layer = new TestLayer(device))
        {
            device.Dispose();
            Collect();
            long before = Launches();
            string[] gauges = GaugesSeen();

            layer.Run(2);

            Collect();
            Assert.Equal(2, Launches() - before);
            Assert.Equal(gauges, GaugesSeen());
            Assert.Equal(Gauges.Length, gauges.Length);
            Assert.True(_seen[$"{MoEMetrics.DeviceMemoryUsed} device=0"] > 0);
        }

        Collect();
        Assert.Empty(GaugesSeen());
        Assert.Equal("", SimulatedDriver.Live);
    }

    [Fact]
    public void Collect_AsksEachObjectOnce()
    {
        using CudaDevice one = Open(0), two = Open(1);

        Collect();
        Assert.Equal(2, SimulatedDriver.Calls(MemoryInfo));

        Collect();
        Assert.Equal(4, SimulatedDriver.Calls(MemoryInfo));
    }

    [Fact]
    public void Collect_WhenADeviceHasFailed_HasTheCountersThatWereReadLast()
    {
        using CudaDevice device = Open(0);
        Run(device, 1);
        Collect();
        string[] counters = Counters();
        long before = Launches();
        SimulatedDriver.BreakKernel("dmoe_combine");
        Assert.Throws<BackendException>(() => Run(device, 1));

        Collect();

        Assert.Equal(before, Launches());
        Assert.Equal(counters, Counters());
        Assert.Equal(3, counters.Length);
        Assert.Empty(GaugesSeen());
    }

    [Fact]
    public void Open_WhenNobodyCollects_IsNotReadAndCanBeFreed()
    {
        WeakReference opened = OpenAndForget();
        Assert.Equal(0, SimulatedDriver.Calls(MemoryInfo));

        GC.Collect();
        GC.WaitForPendingFinalizers();

        Assert.False(opened.IsAlive);
        Collect();
        Assert.Empty(GaugesSeen());
        Assert.Equal("", SimulatedDriver.Live);
    }

    private static CudaDevice Open(int index) => CudaDevice.Open(new CudaDeviceOptions { Index = index });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference OpenAndForget() => new(Open(0));

    private static void Run(CudaDevice device, int calls)
    {
        using var layer = new TestLayer(device);
        layer.Run(calls);
    }

    private string[] GaugesSeen() => [.. _seen.Keys.Where(series => Gauges.Any(name => series.StartsWith(name, StringComparison.Ordinal)))];

    // Those of closed devices stay, whichever test had opened them.
    private string[] Counters() => [.. _seen.Keys.Except(GaugesSeen()).Where(series => series.Contains("device=0", StringComparison.Ordinal))];

    private long Launches() => _seen.Where(series => series.Key.StartsWith($"{MoEMetrics.DeviceLaunches} device=0", StringComparison.Ordinal)).Sum(series => series.Value);

    private void Collect()
    {
        _seen.Clear();
        _listener.RecordObservableInstruments();
    }

    private sealed class TestLayer : IDisposable
    {
        private const int Dim = 16, Experts = 2;

        private readonly DynamicRouter _router = new(new DynamicRouterOptions { InputDim = Dim, NumExperts = Experts, MaxExperts = 1 });
        private readonly TestExperts _bank = TestExperts.Create(new ExpertBankOptions { NumExperts = Experts, Hidden = Dim, Width = 16 });
        private readonly MoELayer _layer;

        public TestLayer(CudaDevice device) => _layer = new MoELayer(_router, _bank.Bank, new MoELayerOptions { CudaDevice = device });

        public void Run(int calls)
        {
            for (int i = 0; i < calls; i++)
            {
                _layer.Forward(new float[Dim], 1, new float[Dim], new RoutingBuffers(1, 1, Experts, withLogits: false));
            }
        }

        public void Dispose()
        {
            _layer.Dispose();
            _bank.Dispose();
            _router.Dispose();
        }
    }
}
