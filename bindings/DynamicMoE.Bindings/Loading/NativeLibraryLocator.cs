using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DynamicMoE.Bindings;

/// <summary>Finds and loads the native library, once per process.</summary>
internal static class NativeLibraryLocator
{
    /// <summary>Environment variable with the path of the library, or of the folder that holds it.</summary>
    internal const string PathVariable = "DYNAMIC_MOE_NATIVE_PATH";

    private static readonly Lock Gate = new();
    private static string? _explicitPath;
    private static nint _library;

    /// <summary>Path of the library or of its folder; it wins over every other place. Null asks the other places.</summary>
    /// <exception cref="InvalidOperationException">Set after the library was loaded.</exception>
    internal static string? ExplicitPath
    {
        get => _explicitPath;
        set
        {
            lock (Gate)
            {
                if (_library != 0)
                    throw new InvalidOperationException($"The native library is already loaded from {LoadedPath}; set the path before the first use.");
                _explicitPath = value;
            }
        }
    }

    /// <summary>Where the library was loaded from; null before the first use.</summary>
    internal static string? LoadedPath { get; private set; }

    /// <summary>Loads the library now, where a caller wants the failure early.</summary>
    /// <exception cref="PlatformNotSupportedException">No library is made for this platform.</exception>
    /// <exception cref="DllNotFoundException">The library is in none of the places, or its ABI does not fit; the message lists the places.</exception>
    internal static void EnsureLoaded() => Load();

#pragma warning disable CA2255 // A module initialiser is the one place that runs before any P/Invoke of this assembly.
    [ModuleInitializer]
    internal static void Install() =>
        NativeLibrary.SetDllImportResolver(typeof(NativeLibraryLocator).Assembly, Resolve);
#pragma warning restore CA2255

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == NativeMethods.Library ? Load() : 0;

    private static nint Load()
    {
        lock (Gate)
        {
            if (_library == 0)
            {
                Platform.ThrowIfUnsupported(Platform.Current);
                IReadOnlyList<LibraryPlace> places = LibraryPlace.List(
                    _explicitPath, Environment.GetEnvironmentVariable(PathVariable), AppContext.BaseDirectory, Platform.Current);
                (_library, LoadedPath) = LibraryLoader.LoadFirst(places);
            }

            return _library;
        }
    }
}
