using System.Runtime.InteropServices;

namespace TorchLoading;

/// <summary>Makes TorchSharp's native library loadable where the system's libstdc++ is older than the one it was built against.</summary>
/// <remarks>
/// libLibTorchSharp.so 0.107.0 lists GLIBCXX_3.4.32 (GCC 13) as needed. Its one symbol of that version, std::ios_base_library_init, is
/// named in the symbol table only because &lt;iostream&gt; says so; no relocation refers to it, so nothing is ever bound. What stops the loader
/// is the version entry alone, and a weak entry does not stop it. Only the copy in the output folder is changed.
/// </remarks>
internal static class TorchRuntime
{
    private const string Library = "libLibTorchSharp.so";
    private const string NeededVersion = "GLIBCXX_3.4.32";
    private const string NeededSymbol = "_ZSt21ios_base_library_initv";

    /// <summary>To be called before the first use of TorchSharp.</summary>
    public static void Prepare()
    {
        var path = Path.Combine(AppContext.BaseDirectory, Library);
        if (!OperatingSystem.IsLinux() || !File.Exists(path) || SystemHasNeededVersion())
            return;

        var image = File.ReadAllBytes(path);
        if (!ElfVersionNeeds.MarkWeak(image, NeededVersion))
            return;
        // A new file, not a write into the old one, which might be a link into the package cache or be loaded by another process.
        var temporary = $"{path}.{Environment.ProcessId}";
        File.WriteAllBytes(temporary, image);
        File.Move(temporary, path, overwrite: true);
    }

    private static bool SystemHasNeededVersion() =>
        NativeLibrary.TryLoad("libstdc++.so.6", out var library) && NativeLibrary.TryGetExport(library, NeededSymbol, out _);
}
