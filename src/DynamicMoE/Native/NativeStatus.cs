using System.Globalization;
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

    // "...: token 12: expert 3 gives a value that is not finite"; shared experts and sums end otherwise.
    private static ExpertDispatchException Overflow(string text)
    {
        const string end = " gives a value that is not finite";
        string[] parts = text.Split(": ");
        return parts.Length > 1 && parts[^1].EndsWith(end, StringComparison.Ordinal)
            && Number(parts[^2], "token ") is { } token && Number(parts[^1][..^end.Length], "expert ") is { } expert
            ? new ExpertDispatchException(text, expert, token, null)
            : new ExpertDispatchException(text);
    }

    private static int? Number(string text, string start) =>
        text.StartsWith(start, StringComparison.Ordinal) && int.TryParse(text.AsSpan(start.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : null;

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
            DmoeStatus.Overflow => Overflow(text),
            DmoeStatus.NoMemory => new DynamicMoEMemoryException(text),
            DmoeStatus.DeviceMemory => new InsufficientDeviceMemoryException(text),
            _ => new BackendException(text),
        };
    }
}
