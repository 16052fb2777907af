using System.Runtime.InteropServices;

namespace DynamicMoE.Bindings;

/// <summary>Opens the library and checks that its ABI fits these bindings.</summary>
internal static unsafe class LibraryLoader
{
    /// <summary>Loads from the first place that has the library.</summary>
    /// <exception cref="DllNotFoundException">No place has it, or the first that has it does not fit.</exception>
    internal static (nint Library, string Path) LoadFirst(IReadOnlyList<LibraryPlace> places)
    {
        var tried = new List<string>();
        foreach (LibraryPlace place in places)
        {
            if (Path.IsPathRooted(place.Path) && !File.Exists(place.Path))
            {
                tried.Add($"{place}: no such file");
                continue;
            }

            try
            {
                nint library = NativeLibrary.Load(place.Path);
                CheckAbi(library, place);
                return (library, place.Path);
            }
            catch (DllNotFoundException failure) when (failure is not AbiMismatchException)
            {
                tried.Add($"{place}: {failure.Message.Split('\n')[0].Trim().TrimEnd('.')}");
            }
            catch (BadImageFormatException)
            {
                tried.Add($"{place}: not a library for {Platform.Current}");
            }
        }

        throw new DllNotFoundException(
            $"The native library of DynamicMoE was not found. Tried:\n  {string.Join(";\n  ", tried)}.\n" +
            $"Reference the package DynamicMoE.Runtime or set {NativeLibraryLocator.PathVariable}.");
    }

    /// <summary>The major version must be equal, the minor version at least that of the bindings.</summary>
    internal static bool Fits(uint version) =>
        version >> 16 == (uint)DmoeAbi.Major && (version & 0xFFFF) >= (uint)DmoeAbi.Minor;

    private static void CheckAbi(nint library, LibraryPlace place)
    {
        if (!NativeLibrary.TryGetExport(library, nameof(NativeMethods.dmoe_abi_version), out nint function))
            throw new AbiMismatchException($"{place} is not the native library of DynamicMoE: it has no {nameof(NativeMethods.dmoe_abi_version)}.");
        uint version = ((delegate* unmanaged[Cdecl]<uint>)function)();
        if (!Fits(version))
        {
            throw new AbiMismatchException(
                $"{place} has ABI {version >> 16}.{version & 0xFFFF}; these bindings need {(int)DmoeAbi.Major}.x, x >= {(int)DmoeAbi.Minor}.");
        }
    }

    /// <summary>A library is there but does not fit: going on to the next place would hide it.</summary>
    private sealed class AbiMismatchException(string message) : DllNotFoundException(message);
}
