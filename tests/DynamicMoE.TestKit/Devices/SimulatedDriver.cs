using System.Runtime.InteropServices;
using DynamicMoE.TestKit.Files;

namespace DynamicMoE.TestKit.Devices;

/// <summary>The simulated <c>libcuda.so.1</c> of the native tests, which runs the shipped PTX. One per process: its users must not run side by side
/// (<see cref="Collection"/>).</summary>
public static class SimulatedDriver
{
    /// <summary>Name of the collection of tests that use it.</summary>
    public const string Collection = "simulated CUDA driver";

    /// <summary>Its file, which is built with the native tests.</summary>
    public static readonly string File = Path.Combine(RepositoryRoot.Find(), "artifacts/native/release/simulated_cuda/libcuda.so.1");

    private const int IllegalAddress = 700;

    private static readonly Lazy<nint> Library = new(() => NativeLibrary.Load(File));

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int TakeSettings([MarshalAs(UnmanagedType.LPUTF8Str)] string settings);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate long CountCalls([MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint ReadText();

    /// <summary>What was not given back, "" for nothing.</summary>
    public static string Live => Marshal.PtrToStringUTF8(Export<ReadText>("dmoe_simulated_live")())!;

    /// <summary>A machine of its own, on which nothing has happened yet.</summary>
    /// <param name="settings">As tests/native/cuda/driver/settings.hpp has them; "" is one device of compute capability 8.0.</param>
    public static void Reset(string settings = "") => Take("dmoe_simulated_reset", settings);

    /// <summary>The nth call of a function from now on gives a result (CUresult).</summary>
    public static void Fail(string function, int nth, int result) => Take("dmoe_simulated_add", $"fail={function}:{result}:{nth - 1}");

    /// <summary>The next run of a kernel ends in an illegal address, after which the context is lost.</summary>
    public static void BreakKernel(string entry) => Take("dmoe_simulated_add", $"break={entry}:{IllegalAddress}:0");

    /// <summary>Calls of a function, or runs of a kernel, on this machine.</summary>
    public static long Calls(string name) => Export<CountCalls>("dmoe_simulated_count")(name);

    private static void Take(string function, string settings)
    {
        if (Export<TakeSettings>(function)(settings) == 0)
        {
            throw new ArgumentException($"{function} refuses '{settings}'", nameof(settings));
        }
    }

    private static T Export<T>(string name)
        where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(Library.Value, name));
}
