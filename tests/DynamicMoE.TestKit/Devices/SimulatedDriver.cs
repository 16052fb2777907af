using System.Runtime.InteropServices;

namespace DynamicMoE.TestKit.Devices;

/// <summary>The simulated <c>libcuda.so.1</c> of the native tests: one per process, so that its users must not run side by side (<see cref="Collection"/>).</summary>
public static class SimulatedDriver
{
    /// <summary>Name of the collection of tests that use it.</summary>
    public const string Collection = "simulated CUDA driver";

    /// <summary>Its file, which the native tests are built with.</summary>
    public static readonly string File = System.IO.Path.Combine(Root(), "artifacts/native/release/tests/native/cuda/driver/libcuda.so.1");

    private static readonly Lazy<nint> Library = new(() => NativeLibrary.Load(File));

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Act();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void SetValue([MarshalAs(UnmanagedType.LPUTF8Str)] string name, long value);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void FailCall([MarshalAs(UnmanagedType.LPUTF8Str)] string function, int nth, int result);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Name([MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate long Count([MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    /// <summary>As new: one device of capability 8.0, nothing fails, nothing counted.</summary>
    public static void Reset() => Export<Act>("sim_reset")();

    /// <summary>What it pretends: "devices", "version", "capability", "total" bytes.</summary>
    public static void Set(string name, long value) => Export<SetValue>("sim_set")(name, value);

    /// <summary>The nth call of a function from now on gives a result (CUresult).</summary>
    public static void Fail(string function, int nth, int result) => Export<FailCall>("sim_fail")(function, nth, result);

    /// <summary>Every run of a kernel ends in an illegal address, after which the context is lost.</summary>
    public static void BreakKernel(string entry) => Export<Name>("sim_fault_kernel")(entry);

    /// <summary>Calls of a function since the reset.</summary>
    public static long Calls(string function) => Export<Count>("sim_calls")(function);

    /// <summary>Objects alive: "context", "module", "stream", "event", "memory", "pinned", "graph".</summary>
    public static long Live(string kind) => Export<Count>("sim_live")(kind);

    private static T Export<T>(string name)
        where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(Library.Value, name));

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!System.IO.File.Exists(System.IO.Path.Combine(folder, "DynamicMoE.sln")))
        {
            folder = System.IO.Path.GetDirectoryName(System.IO.Path.TrimEndingDirectorySeparator(folder))!;
        }

        return folder;
    }
}
