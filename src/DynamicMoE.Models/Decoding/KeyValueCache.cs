namespace DynamicMoE.Models;

/// <summary>Keys and values of one layer, <c>[positions, KeyValueWidth]</c> each.</summary>
internal sealed class KeyValueCache(int positions, int width)
{
    public float[] Keys { get; } = new float[positions * width];

    public float[] Values { get; } = new float[positions * width];
}
