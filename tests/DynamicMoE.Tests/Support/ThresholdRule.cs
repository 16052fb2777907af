namespace DynamicMoE.Tests.Support;

/// <summary>The threshold rule on gaps, as the native core applies it.</summary>
internal static class ThresholdRule
{
    /// <summary>The largest gap that a threshold keeps.</summary>
    public static float Limit(float tau) => (float)-Math.Log(tau);

    /// <summary>Experts that tokens get.</summary>
    /// <param name="gaps"><c>[tokens, slots]</c>, ascending.</param>
    /// <param name="slots">Most experts.</param>
    /// <param name="tau">Threshold.</param>
    /// <returns><c>[tokens]</c>.</returns>
    public static int[] Counts(float[] gaps, int slots, float tau)
    {
        float limit = Limit(tau);
        var counts = new int[gaps.Length / slots];
        for (int token = 0; token < counts.Length; token++)
        {
            counts[token] = 1;
            while (counts[token] < slots && float.IsFinite(gaps[(token * slots) + counts[token]]) && gaps[(token * slots) + counts[token]] <= limit)
            {
                counts[token]++;
            }
        }

        return counts;
    }

    /// <summary>Routes a batch under a controller, lets it learn, and returns the mean count.</summary>
    public static double Step(ThresholdController controller, float[] gaps, int slots)
    {
        int[] counts = Counts(gaps, slots, controller.Tau);
        controller.Observe(gaps, counts.Length, slots, counts);
        return counts.Average();
    }
}
