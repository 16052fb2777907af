using System.Runtime.InteropServices;
using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Turns native failures into exceptions.</summary>
internal static unsafe class NativeStatus
{
    internal static void ThrowIfFailed(DmoeStatus status)
    {
        if (status != DmoeStatus.Ok)
        {
            throw Exception(status);
        }
    }

    /// <summary>Loads the library before its first use, so that a missing one is a typed exception.</summary>
    /// <exception cref="BackendException">The library is missing or its ABI does not fit.</exception>
    internal static void RequireLibrary()
    {
        try
        {
            NativeLibraryLocator.EnsureLoaded();
        }
        catch (DllNotFoundException error)
        {
            throw new BackendException(error.Message, error);
        }
    }

    internal static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    private static Exception Exception(DmoeStatus status)
    {
        string text = Text(NativeMethods.dmoe_last_error());
        if (text.Length == 0)
        {
            text = Text(NativeMethods.dmoe_status_name(status));
        }

        return status switch
        {
            DmoeStatus.Argument or DmoeStatus.Shape or DmoeStatus.NotFinite => new RoutingValidationException(text),
            DmoeStatus.Options or DmoeStatus.State => new RouterConfigurationException(text),
            DmoeStatus.Balance => new LoadBalancingException(text),
            DmoeStatus.Overflow => new ExpertDispatchException(text),
            DmoeStatus.NoMemory => new DynamicMoEMemoryException(text),
            DmoeStatus.DeviceMemory => new InsufficientDeviceMemoryException(text),
            _ => new BackendException(text),
        };
    }
}
