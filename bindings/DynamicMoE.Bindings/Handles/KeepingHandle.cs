using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DynamicMoE.Bindings;

/// <summary>A native object that reads memory which another handle owns. That memory is given up only after the object.</summary>
internal abstract class KeepingHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    private readonly List<SafeHandle> _kept = [];

    /// <summary>What is kept.</summary>
    internal IReadOnlyList<SafeHandle> Kept => _kept;

    /// <summary>Keeps the memory of a handle until this one is released. Called while the handle is made, by one thread.</summary>
    internal void Keep(SafeHandle memory)
    {
        bool added = false;
        memory.DangerousAddRef(ref added);
        _kept.Add(memory);
    }

    /// <summary>Frees the native object.</summary>
    protected abstract void Destroy();

    protected sealed override bool ReleaseHandle()
    {
        Destroy();
        foreach (SafeHandle memory in _kept)
            memory.DangerousRelease();
        return true;
    }
}
