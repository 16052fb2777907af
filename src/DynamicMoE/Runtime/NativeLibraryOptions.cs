using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>Settings of the native library that hold for the whole process.</summary>
public static class NativeLibraryOptions
{
    /// <summary>Path of the native library, or of the folder that holds it. It wins over the variable DYNAMIC_MOE_NATIVE_PATH and over the
    /// application folder. Set it before the first use.</summary>
    /// <value>The default is null: not set in code.</value>
    /// <exception cref="InvalidOperationException">The library is already loaded.</exception>
    public static string? Path
    {
        get => RuntimeCalls.LibraryPath;
        set => RuntimeCalls.LibraryPath = value;
    }

    /// <summary>Sets how many threads a call may use, the caller included.</summary>
    /// <param name="threads">Between 1 and 1024; 0 = choose from cores and cgroup quota.</param>
    /// <exception cref="RouterConfigurationException"><paramref name="threads"/> is outside its range.</exception>
    /// <exception cref="BackendException">The library is missing or its ABI does not fit.</exception>
    public static void SetThreads(int threads) => RuntimeCalls.SetThreads(threads);
}
