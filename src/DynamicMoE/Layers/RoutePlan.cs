namespace DynamicMoE;

/// <summary>Routes ordered by expert (compressed sparse rows).</summary>
internal sealed class RoutePlan(int experts)
{
    internal int Experts { get; } = experts;

    /// <summary>Routes of expert e are Offsets[e]..Offsets[e + 1] - 1.</summary>
    internal long[] Offsets { get; } = new long[experts + 1];

    /// <summary>Token of each route, ascending within an expert.</summary>
    internal int[] Tokens { get; private set; } = [];

    /// <summary>Route of each slot; -1 = unused.</summary>
    internal int[] Rows { get; private set; } = [];

    internal void Reserve(int tokens, int slots)
    {
        int length = checked(tokens * slots);
        if (Tokens.Length < length)
        {
            Tokens = new int[length];
            Rows = new int[length];
        }
    }
}
