namespace DynamicMoE;

/// <summary>Devices that layers asked for by number: opened for the first, shared by all, closed with the last. Opening compiles the kernels.</summary>
internal static class SharedCudaDevices
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<(int Index, string? Driver), Entry> Open = [];
    private static readonly Dictionary<string, int> Best = [];

    /// <summary>Takes part in a device.</summary>
    /// <param name="index">Its number, or -1 = the best one.</param>
    /// <exception cref="BackendException">There is no such device, or it is not usable.</exception>
    internal static Lease Rent(int index)
    {
        string? driver = NativeLibraryOptions.CudaDriverPath;
        lock (Gate)
        {
            Entry entry = Find(index, driver);
            entry.Users++;
            return new Lease(entry.Device.Info.Index, driver, entry.Device);
        }
    }

    // The best device may be one that is open by its number.
    private static Entry Find(int index, string? driver)
    {
        int known = index < 0 && Best.TryGetValue(driver ?? "", out int best) ? best : index;
        if (Open.TryGetValue((known, driver), out Entry? entry))
        {
            return entry;
        }

        CudaDevice device = CudaDevice.Open(new CudaDeviceOptions { Index = index < 0 ? null : index, DriverPath = driver });
        if (index < 0)
        {
            Best[driver ?? ""] = device.Info.Index;
            if (Open.TryGetValue((device.Info.Index, driver), out entry))
            {
                device.Dispose();
                return entry;
            }
        }

        entry = new Entry(device);
        Open.Add((device.Info.Index, driver), entry);
        return entry;
    }

    private static void Return(int index, string? driver)
    {
        lock (Gate)
        {
            Entry entry = Open[(index, driver)];
            if (--entry.Users == 0)
            {
                _ = Open.Remove((index, driver));
                entry.Device.Dispose();
            }
        }
    }

    /// <summary>A part in a device.</summary>
    internal sealed class Lease(int index, string? driver, CudaDevice device) : IDisposable
    {
        private int _returned;

        internal CudaDevice Device => device;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) == 0)
            {
                Return(index, driver);
            }
        }
    }

    private sealed class Entry(CudaDevice device)
    {
        internal CudaDevice Device => device;

        internal int Users { get; set; }
    }
}
