namespace DynamicMoE.Tests.Support;

/// <summary>Asserts that a call allocates nothing on the managed heap once it is warm.</summary>
internal static class NoAllocation
{
    // The runtime may allocate once on the calling thread, when it compiles a warm method anew. That passes;
    // what a call allocates itself is there in every round.
    public static void Assert(Action call)
    {
        const int WarmUp = 10, Rounds = 5, Calls = 100;
        for (int i = 0; i < WarmUp; i++)
        {
            call();
        }

        long allocated = 0;
        for (int round = 0; round < Rounds; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Calls; i++)
            {
                call();
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated == 0)
            {
                return;
            }
        }

        Xunit.Assert.Fail($"Each of {Rounds} rounds of {Calls} calls allocated, the last {allocated} bytes.");
    }
}
