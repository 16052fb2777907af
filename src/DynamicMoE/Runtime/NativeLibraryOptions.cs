using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>Settings of the native library that hold for the whole process.</summary>
public static class NativeLibraryOptions
{
    private static string? _cudaDriverPath;

    /// <summary>Path of the native library, or of the folder that holds it. It wins over the variable DYNAMIC_MOE_NATIVE_PATH and over the
    /// application folder. Set it before the first use.</summary>
    /// <value>The default is null: not set in code.</value>
    /// <exception cref="InvalidOperationException">The library is already loaded.</exception>
    public static string? Path
    {
        get => RuntimeCalls.LibraryPath;
        set => RuntimeCalls.LibraryPath = value;
    }

    /// <summary>File of the CUDA driver's library for devices that are opened from now on; a device's own option wins.</summary>
    /// <value>The default is null: the system's <c>libcuda.so.1</c>.</value>
    public static string? CudaDriverPath
    {
        get => Volatile.Read(ref _cudaDriverPath);
        set => Volatile.Write(ref _cudaDriverPath, value);
    }

    /// <summary>Sets how many threads a call may use, the caller included.</summary>
    /// <param name="threads">Between 1 and 1024; 0 = choose from cores and cgroup quota.</param>
    /// <exception cref="RouterConfigurationException"><paramref name="threads"/> is outside its range.</exception>
    /// <exception cref="BackendException">The library is missing or its ABI does not fit.</exception>
    public static void SetThreads(int threads) => RuntimeCalls.SetThreads(threads);
}
