using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>Figures of the open CUDA devices, read whenever somebody collects, and once more when a device is disposed. Several objects of one device are one series.</summary>
internal static class DeviceGauges
{
    private const string DeviceTag = "device", GraphTag = "graph";

    // A collection asks for one instrument after the other.
    private static readonly TimeSpan s_fresh = TimeSpan.FromMilliseconds(250);

    private static readonly Lock s_gate = new(), s_reading = new();
    private static readonly List<Watched> s_open = [];

    // By the number of the device: what its objects have counted as far as it was read, closed ones included. A counter neither falls nor vanishes.
    private static readonly SortedDictionary<int, Counts> s_counts = [];

    private static readonly List<Instrument> s_counters = [];
    private static Reading? s_last;
    private static int s_published;

    /// <summary>From now on the figures have this device, until its last reference is released. Whoever forgets it is not kept from freeing it.</summary>
    internal static void Watch(DeviceHandle device, int index)
    {
        lock (s_gate)
        {
            s_open.RemoveAll(static watched => !watched.IsOpen);
            s_open.Add(new Watched(device, index));
            s_counts.TryAdd(index, default);
        }

        if (Interlocked.Exchange(ref s_published, 1) == 0)
        {
            Publish();
        }
    }

    /// <summary>Keeps what a device has counted before it is closed, if anybody listens. Best effort: a device that has failed says nothing.</summary>
    internal static void ReadLast(DeviceHandle device)
    {
        Watched? watched;
        lock (s_gate)
        {
            watched = s_counters.Exists(static counter => counter.Enabled) ? s_open.Find(open => open.IsOf(device)) : null;
        }

        if (watched is not null)
        {
            _ = Ask(watched);
        }
    }

    private static void Publish()
    {
        PublishGauge(MoEMetrics.DeviceMemoryUsed, "By", "Device memory that the library holds.", Sum(static usage => usage.UsedBytes));
        PublishGauge(MoEMetrics.DeviceMemoryReserved, "By", "Device memory that the library's pools have from the driver.", Sum(static usage => usage.ReservedBytes));

        // That of the device, whichever of its objects says it.
        PublishGauge(MoEMetrics.DeviceMemoryFree, "By", "Free memory of the device.", static all => all[0].FreeBytes);
        PublishGauge(MoEMetrics.DeviceCalls, "{call}", "Calls under way on the device.", Sum(static usage => usage.Calls));
        PublishCounter(MoEMetrics.DeviceLaunches, "{run}", "Runs of a chunk's steps on the device, as one CUDA graph or kernel by kernel.", MeasureLaunches);
        PublishCounter(MoEMetrics.DeviceAllocationRetries, "{allocation}", "Allocations that succeeded only after the pool was trimmed.", MeasureRetries);
    }

    private static void PublishGauge(string name, string unit, string description, Func<DeviceMemoryUsage[], long> read) =>
        _ = TryCreate(() => Instruments.Meter.CreateObservableGauge(name, () => Measure(name, read), unit, description));

    private static void PublishCounter(string name, string unit, string description, Func<string, List<Measurement<long>>> measure)
    {
        if (TryCreate(() => Instruments.Meter.CreateObservableCounter(name, () => measure(name), unit, description)) is { } counter)
        {
            lock (s_gate)
            {
                s_counters.Add(counter);
            }
        }
    }

    // A listener is somebody else's code, and no reason to be without a device. An instrument that it fails is not made again: it would be there twice.
    private static Instrument? TryCreate(Func<Instrument> create)
    {
        try
        {
            return create();
        }
        catch (Exception)
        {
            return null;
        }
    }

    private static Func<DeviceMemoryUsage[], long> Sum(Func<DeviceMemoryUsage, long> read) => all => all.Sum(read);

    private static List<Measurement<long>> Measure(string instrument, Func<DeviceMemoryUsage[], long> read) =>
    [
        .. from device in Read(instrument)
           group device.Usage by device.Index into same
           let answers = same.OfType<DeviceMemoryUsage>().ToArray()
           where answers.Length > 0
           select new Measurement<long>(read(answers), Device(same.Key)),
    ];

    private static List<Measurement<long>> MeasureLaunches(string instrument) =>
    [
        .. Count(instrument).SelectMany(static found => (Measurement<long>[])
        [
            new(found.Value.Launches, Device(found.Key), new KeyValuePair<string, object?>(GraphTag, "false")),
            new(found.Value.GraphLaunches, Device(found.Key), new KeyValuePair<string, object?>(GraphTag, "true")),
        ]),
    ];

    private static List<Measurement<long>> MeasureRetries(string instrument) =>
        [.. Count(instrument).Select(static found => new Measurement<long>(found.Value.Retries, Device(found.Key)))];

    private static KeyValuePair<int, Counts>[] Count(string instrument)
    {
        _ = Read(instrument);
        lock (s_gate)
        {
            return [.. s_counts];
        }
    }

    // What the devices say, once for all instruments of a collection; two at once wait for each other rather than ask the driver twice.
    private static List<(int Index, DeviceMemoryUsage? Usage)> Read(string instrument)
    {
        lock (s_reading)
        {
            if (s_last?.Serves(instrument) != true)
            {
                s_last = new Reading(Ask());
                _ = s_last.Serves(instrument);
            }

            return s_last.Devices;
        }
    }

    private static List<(int Index, DeviceMemoryUsage? Usage)> Ask()
    {
        Watched[] all;
        lock (s_gate)
        {
            s_open.RemoveAll(static watched => !watched.IsOpen);
            all = [.. s_open];
        }

        return [.. all.Select(static watched => (watched.Index, Ask(watched)))];
    }

    // Outside the lock: the driver may take its time.
    private static DeviceMemoryUsage? Ask(Watched watched)
    {
        DeviceMemoryUsage? usage = watched.Ask();
        if (usage is { } now)
        {
            lock (s_gate)
            {
                s_counts[watched.Index] = s_counts[watched.Index].Plus(watched.Advance(now));
            }
        }

        return usage;
    }

    private static KeyValuePair<string, object?> Device(int index) => new(DeviceTag, index.ToString(CultureInfo.InvariantCulture));

    private readonly record struct Counts(long Launches, long GraphLaunches, long Retries)
    {
        internal Counts Plus(Counts more) => new(Launches + more.Launches, GraphLaunches + more.GraphLaunches, Retries + more.Retries);
    }

    private sealed class Reading(List<(int Index, DeviceMemoryUsage? Usage)> devices)
    {
        private readonly long _made = Stopwatch.GetTimestamp();
        private readonly HashSet<string> _served = [];

        internal List<(int Index, DeviceMemoryUsage? Usage)> Devices => devices;

        // An instrument that asks again is of the next collection.
        internal bool Serves(string instrument) => Stopwatch.GetElapsedTime(_made) < s_fresh && _served.Add(instrument);
    }

    private sealed class Watched(DeviceHandle device, int index)
    {
        private readonly WeakReference<DeviceHandle> _device = new(device);
        private Counts _seen;

        internal int Index => index;

        // Layers, buffers and streams keep a disposed device open.
        internal bool IsOpen => _device.TryGetTarget(out DeviceHandle? device) && !device.IsClosed;

        internal bool IsOf(DeviceHandle other) => _device.TryGetTarget(out DeviceHandle? device) && ReferenceEquals(device, other);

        /// <summary>Its figures; null when it has failed or was closed meanwhile.</summary>
        internal DeviceMemoryUsage? Ask()
        {
            try
            {
                return _device.TryGetTarget(out DeviceHandle? device) ? DeviceCalls.Memory(device) : null;
            }
            catch (Exception error) when (error is DynamicMoEException or ObjectDisposedException)
            {
                return null;
            }
        }

        /// <summary>What it has counted beyond what it had said before. Of two readings at once the later one may come first.</summary>
        internal Counts Advance(DeviceMemoryUsage now)
        {
            Counts before = _seen;
            _seen = new Counts(Math.Max(before.Launches, now.Launches), Math.Max(before.GraphLaunches, now.GraphLaunches), Math.Max(before.Retries, now.Retries));
            return new Counts(_seen.Launches - before.Launches, _seen.GraphLaunches - before.GraphLaunches, _seen.Retries - before.Retries);
        }
    }
}
