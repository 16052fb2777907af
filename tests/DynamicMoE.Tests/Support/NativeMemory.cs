namespace DynamicMoE.Tests.Support;

/// <summary>Tests that compare what the native library holds before and after: nothing else may run meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class NativeMemory
{
    public const string Name = "native memory";

    /// <summary>Bytes held by the native library once everything that nobody holds any more is gone.</summary>
    internal static long HeldBytes()
    {
        for (int round = 0; round < 2; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return RuntimeInfo.Query().AllocatedBytes;
    }
}
