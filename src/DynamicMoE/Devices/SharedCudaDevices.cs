namespace DynamicMoE;

/// <summary>Devices that layers asked for by number: opened for the first, shared by all, closed with the last. Opening compiles the kernels.</summary>
internal static class SharedCudaDevices
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<(int Index, string? Driver), Entry> Open = [];

    /// <summary>Takes part in a device.</summary>
    /// <param name="index">Its number, or -1 = the best one.</param>
    /// <exception cref="BackendException">There is no such device, or it is not usable.</exception>
    internal static Lease Rent(int index)
    {
        string? driver = NativeLibraryOptions.CudaDriverPath;
        lock (Gate)
        {
            if (!Open.TryGetValue((index, driver), out Entry? entry))
            {
                entry = new Entry(CudaDevice.Open(new CudaDeviceOptions { Index = index < 0 ? null : index, DriverPath = driver }));
                Open.Add((index, driver), entry);
            }

            entry.Users++;
            return new Lease(index, driver, entry.Device);
        }
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
