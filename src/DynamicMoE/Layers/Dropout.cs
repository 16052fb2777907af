namespace DynamicMoE;

/// <summary>Sets a share of elements to 0 and scales the others up so that the mean stays; a new pattern for each call.</summary>
internal sealed class Dropout(float rate, ulong seed)
{
    private long _calls;

    internal void Apply(Span<float> values)
    {
        if (rate == 0)
        {
            return;
        }

        var random = new RandomSource(seed + (ulong)Interlocked.Increment(ref _calls) * 0xD1B54A32D192ED03);
        float scale = 1 / (1 - rate);
        foreach (ref float value in values)
        {
            value = random.NextUnit() < rate ? 0 : value * scale;
        }
    }
}
