using System.Runtime.InteropServices;

namespace DynamicMoE.Peers.Onnx;

/// <summary>Settings that ONNX Runtime reads from the environment of the process.</summary>
internal static class OnnxEnvironment
{
    /// <summary>To be called before the native library is loaded. .NET's own copy of the environment would not reach it.</summary>
    /// <exception cref="InvalidOperationException">The variable was not accepted.</exception>
    public static void Prepare()
    {
        // 8-bit activations in QMoE, as in our quantised formats; its 4-bit default keeps them in float32.
        const string Variable = "ORT_QMOE_CPU_QNBIT_GEMM";
        if (SetVariable(Variable, "int8", overwrite: 1) != 0)
        {
            throw new InvalidOperationException($"{Variable} could not be set.");
        }
    }

    [DllImport("libc", EntryPoint = "setenv")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetVariable(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);
}
