using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Most threads that native calls made on this thread use.</summary>
internal static class ThreadLimit
{
    /// <summary>Sets the limit; 0 = none.</summary>
    /// <returns>The limit before.</returns>
    internal static int Set(int threads) => NativeMethods.dmoe_thread_limit(threads);

    /// <summary>Sets the limit unless there is a lower one.</summary>
    /// <returns>The limit before.</returns>
    internal static int Narrow(int threads)
    {
        int before = Set(threads);
        if (before > 0 && before < threads)
        {
            Set(before);
        }

        return before;
    }
}
