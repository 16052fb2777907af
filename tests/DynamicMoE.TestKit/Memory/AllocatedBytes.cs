namespace DynamicMoE.TestKit.Memory;

/// <summary>Managed bytes that calls allocate on the calling thread.</summary>
public static class AllocatedBytes
{
    private const int Rounds = 5;

    /// <summary>
    /// The least of some rounds. The runtime itself may allocate once on the calling thread, when it compiles a warm method anew or loads a type late; what a call
    /// allocates is there in every round.
    /// </summary>
    /// <param name="call">The call; run <paramref name="calls"/> times before the first round, to be warm.</param>
    /// <param name="calls">Calls of a round.</param>
    /// <param name="before">What comes before each round and does not count.</param>
    /// <returns>Bytes of a round, 0 or more.</returns>
    public static long Least(Action call, int calls = 100, Action? before = null)
    {
        long least = long.MaxValue;
        for (int round = 0; round <= Rounds && least != 0; round++)
        {
            before?.Invoke();
            long start = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < calls; i++)
            {
                call();
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - start;
            least = round == 0 ? long.MaxValue : Math.Min(least, allocated);
        }

        return least;
    }
}
