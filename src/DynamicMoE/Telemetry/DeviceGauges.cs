using System.Diagnostics.Metrics;
using System.Globalization;

namespace DynamicMoE;

/// <summary>Figures of the open CUDA devices, read whenever somebody collects and never otherwise. Several objects of one device are one series.</summary>
internal static class DeviceGauges
{
    private const string DeviceTag = "device", GraphTag = "graph";

    private static readonly Lock s_gate = new();
    private static readonly List<Watched> s_open = [];

    // By the number of the device: what objects that are closed by now had counted when they were last read. A counter must not fall when one of several objects is closed.
    private static readonly Dictionary<int, Counts> s_closed = [];

    internal static readonly ObservableGauge<long> Used = Gauge(MoEMetrics.DeviceMemoryUsed, "By", "Device memory that the library holds.", Sum(static usage => usage.UsedBytes));

    internal static readonly ObservableGauge<long> Reserved = Gauge(
        MoEMetrics.DeviceMemoryReserved, "By", "Device memory that the library's pools have from the driver.", Sum(static usage => usage.ReservedBytes));

    // That of the device, whichever of its objects says it.
    internal static readonly ObservableGauge<long> Free = Gauge(MoEMetrics.DeviceMemoryFree, "By", "Free memory of the device.", static all => all[0].FreeBytes);

    internal static readonly ObservableGauge<long> Calls = Gauge(MoEMetrics.DeviceCalls, "{call}", "Calls under way on the device.", Sum(static usage => usage.Calls));

    internal static readonly ObservableCounter<long> Launches = Instruments.Meter.CreateObservableCounter(
        MoEMetrics.DeviceLaunches, MeasureLaunches, "{call}", "Layer calls on the device, as one CUDA graph or kernel by kernel.");

    internal static readonly ObservableCounter<long> Retries = Instruments.Meter.CreateObservableCounter(
        MoEMetrics.DeviceAllocationRetries, MeasureRetries, "{allocation}", "Allocations that succeeded only after the pool was trimmed.");

    /// <summary>From now on the figures have this device, until it is disposed. Whoever forgets it is not kept from freeing it.</summary>
    internal static void Watch(CudaDevice device)
    {
        lock (s_gate)
        {
            MoveClosed();
            s_open.Add(new Watched(device));
        }
    }

    private static void MoveClosed()
    {
        foreach (Watched closed in s_open.Where(static watched => !watched.IsOpen))
        {
            s_closed[closed.Index] = s_closed.GetValueOrDefault(closed.Index).Plus(closed.Seen);
        }

        s_open.RemoveAll(static watched => !watched.IsOpen);
    }

    private static Func<DeviceMemoryUsage[], long> Sum(Func<DeviceMemoryUsage, long> read) => all => all.Sum(read);

    private static ObservableGauge<long> Gauge(string name, string unit, string description, Func<DeviceMemoryUsage[], long> read) =>
        Instruments.Meter.CreateObservableGauge(name, () => Measure(read), unit, description);

    private static List<Measurement<long>> Measure(Func<DeviceMemoryUsage[], long> read) =>
    [
        .. from device in Read()
           group device.Usage by device.Index into same
           let answers = same.OfType<DeviceMemoryUsage>().ToArray()
           where answers.Length > 0
           select new Measurement<long>(read(answers), Device(same.Key)),
    ];

    private static List<Measurement<long>> MeasureLaunches() =>
    [
        .. Count().SelectMany(static found => (Measurement<long>[])
        [
            new(found.Counts.Launches, Device(found.Index), new KeyValuePair<string, object?>(GraphTag, "false")),
            new(found.Counts.GraphLaunches, Device(found.Index), new KeyValuePair<string, object?>(GraphTag, "true")),
        ]),
    ];

    private static List<Measurement<long>> MeasureRetries() => [.. Count().Select(static found => new Measurement<long>(found.Counts.Retries, Device(found.Index)))];

    // Outside the lock: the driver may take its time.
    private static List<(int Index, DeviceMemoryUsage? Usage)> Read()
    {
        Watched[] all;
        lock (s_gate)
        {
            MoveClosed();
            all = [.. s_open];
        }

        List<(int Index, DeviceMemoryUsage? Usage)> read = [.. all.Select(static watched => (watched.Index, watched.Ask()))];
        lock (s_gate)
        {
            for (int i = 0; i < all.Length; i++)
            {
                all[i].Keep(read[i].Usage);
            }
        }

        return read;
    }

    private static List<(int Index, Counts Counts)> Count()
    {
        _ = Read();
        lock (s_gate)
        {
            return
            [
                .. from device in s_open
                   group device.Seen by device.Index into same
                   select (same.Key, same.Aggregate(s_closed.GetValueOrDefault(same.Key), static (sum, counts) => sum.Plus(counts))),
            ];
        }
    }

    private static KeyValuePair<string, object?> Device(int index) => new(DeviceTag, index.ToString(CultureInfo.InvariantCulture));

    private readonly record struct Counts(long Launches, long GraphLaunches, long Retries)
    {
        internal Counts Plus(Counts more) => new(Launches + more.Launches, GraphLaunches + more.GraphLaunches, Retries + more.Retries);
    }

    private sealed class Watched(CudaDevice device)
    {
        private readonly WeakReference<CudaDevice> _device = new(device);

        internal int Index { get; } = device.Info.Index;

        /// <summary>What it had counted when it answered last.</summary>
        internal Counts Seen { get; private set; }

        internal bool IsOpen => _device.TryGetTarget(out CudaDevice? device) && !device.IsDisposed;

        /// <summary>Its figures; null when it has failed or was closed meanwhile.</summary>
        internal DeviceMemoryUsage? Ask()
        {
            try
            {
                return _device.TryGetTarget(out CudaDevice? device) ? device.GetMemoryUsage() : null;
            }
            catch (Exception error) when (error is DynamicMoEException or ObjectDisposedException)
            {
                return null;
            }
        }

        // Of two collections at once the later one may come first.
        internal void Keep(DeviceMemoryUsage? usage)
        {
            if (usage is { } now)
            {
                Seen = new Counts(Math.Max(Seen.Launches, now.Launches), Math.Max(Seen.GraphLaunches, now.GraphLaunches), Math.Max(Seen.Retries, now.Retries));
            }
        }
    }
}
