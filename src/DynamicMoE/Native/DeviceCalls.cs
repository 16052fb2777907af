using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls on CUDA devices, their memory and their streams.</summary>
internal static unsafe class DeviceCalls
{
    internal static List<CudaDeviceInfo> List(string? driverPath)
    {
        NativeStatus.RequireLibrary();
        var devices = new List<CudaDeviceInfo>();
        byte* path = (byte*)Marshal.StringToCoTaskMemUTF8(driverPath);
        try
        {
            int count;
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_count(path, &count));
            for (int index = 0; index < count; index++)
            {
                DmoeDeviceInfo info = DmoeDeviceInfo.Create();
                NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_query(path, index, &info));
                devices.Add(Info(in info));
            }

            return devices;
        }
        finally
        {
            Marshal.FreeCoTaskMem((nint)path);
        }
    }

    /// <summary>What there is of CUDA by this driver, or why there is none. Makes no context: a choice among equal devices by their free memory, as opening one makes, would.</summary>
    internal static string Reason(string driverPath)
    {
        try
        {
            return List(driverPath).Where(device => device.IsUsable).MaxBy(Rank) is { } best ? best.Reason : Choose(driverPath).Reason;
        }
        catch (DynamicMoEException error)
        {
            return Sentence(error.Message);
        }
    }

    /// <summary>A reason as one sentence that says whether there is a device: without the call's name before it, and a failure of the driver as the cause.</summary>
    internal static string Sentence(string reason)
    {
        int start = reason.IndexOf("unavailable, because ", StringComparison.Ordinal);
        return start >= 0 ? reason[start..] : reason.StartsWith("available: ", StringComparison.Ordinal) ? reason : $"unavailable, because {reason}";
    }

    internal static DeviceHandle Open(CudaDeviceOptions o)
    {
        NativeStatus.RequireLibrary();
        byte* path = (byte*)Marshal.StringToCoTaskMemUTF8(o.DriverPath ?? NativeLibraryOptions.CudaDriverPath);
        try
        {
            DmoeDeviceOptions options = DmoeDeviceOptions.Create();
            options.Index = o.Index ?? -1;
            options.MaxCalls = o.MaxCalls;
            options.CheckOps = o.CheckEachKernel ? 1 : 0;
            options.DriverPath = path;
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_open(&options, out DeviceHandle device));
            return device;
        }
        finally
        {
            Marshal.FreeCoTaskMem((nint)path);
        }
    }

    internal static CudaDeviceInfo Describe(DeviceHandle device)
    {
        DmoeDeviceInfo info = DmoeDeviceInfo.Create();
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_describe(device, &info));
        return Info(in info);
    }

    internal static DeviceMemoryUsage Memory(DeviceHandle device)
    {
        DmoeDeviceUsage usage = DmoeDeviceUsage.Create();
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_memory(device, &usage));
        return new DeviceMemoryUsage(
            usage.TotalBytes, usage.FreeBytes, usage.UsedBytes, usage.ReservedBytes, usage.Calls, usage.Launches, usage.GraphLaunches, usage.Retries);
    }

    internal static void Health(DeviceHandle device) => NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_health(device));

    internal static void Trim(DeviceHandle device) => NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_trim(device));

    internal static ulong Allocate(DeviceHandle device, long bytes)
    {
        ulong address;
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_alloc(device, bytes, &address));
        return address;
    }

    internal static bool TryFree(DeviceHandle device, ulong address) => NativeMethods.dmoe_device_free(device, address) == DmoeStatus.Ok;

    internal static int SizeOf<T>()
        where T : unmanaged => Unsafe.SizeOf<T>();

    internal static void Upload<T>(DeviceHandle device, ulong to, ReadOnlySpan<T> from, nint stream)
        where T : unmanaged
    {
        fixed (T* data = from)
        {
            if (from.Length > 0)
            {
                NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_upload(device, to, data, (long)from.Length * sizeof(T), (void*)stream));
            }
        }
    }

    internal static void Download<T>(DeviceHandle device, ulong from, Span<T> to, nint stream)
        where T : unmanaged
    {
        fixed (T* data = to)
        {
            if (to.Length > 0)
            {
                NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_download(device, data, from, (long)to.Length * sizeof(T), (void*)stream));
            }
        }
    }

    internal static nint CreateStream(DeviceHandle device)
    {
        void* stream;
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_stream_create(device, &stream));
        return (nint)stream;
    }

    internal static bool TryClose(DeviceHandle device, nint stream) => NativeMethods.dmoe_device_stream_close(device, (void*)stream) == DmoeStatus.Ok;

    internal static void Wait(DeviceHandle device, nint stream) => NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_stream_wait(device, (void*)stream));

    internal static bool IsIdle(DeviceHandle device, nint stream)
    {
        int done;
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_stream_query(device, (void*)stream, &done));
        return done != 0;
    }

    // As the native core ranks them; of equal ones the first.
    private static (double, Version, int, long) Rank(CudaDeviceInfo device) =>
        (device.MemoryBytesPerSecond, device.ComputeCapability, device.Multiprocessors, device.TotalBytes);

    // The best one; where none is usable its failure says why.
    private static CudaDeviceInfo Choose(string driverPath)
    {
        byte* path = (byte*)Marshal.StringToCoTaskMemUTF8(driverPath);
        try
        {
            DmoeDeviceInfo info = DmoeDeviceInfo.Create();
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_device_query(path, -1, &info));
            return Info(in info);
        }
        finally
        {
            Marshal.FreeCoTaskMem((nint)path);
        }
    }

    private static CudaDeviceInfo Info(in DmoeDeviceInfo info) => new()
    {
        Index = info.Index,
        Name = NativeStatus.Text(info.Name),
        IsUsable = info.Usable != 0,
        Reason = NativeStatus.Text(info.Reason),
        ComputeCapability = new Version(info.CapabilityMajor, info.CapabilityMinor),
        DriverVersion = new Version(info.DriverVersion / 1000, info.DriverVersion % 1000 / 10),
        Multiprocessors = info.Multiprocessors,
        ClockKilohertz = info.ClockKhz,

        // Two transfers per clock.
        MemoryBytesPerSecond = 2.0 * info.MemoryClockKhz * 1000 * info.MemoryBusBits / 8,
        L2Bytes = info.L2Bytes,
        TotalBytes = info.TotalBytes,
    };
}
