namespace DynamicMoE.Models;

/// <summary>Keys and values of one layer of a sequence, <c>[positions, KeyValueWidth]</c> each.</summary>
internal sealed class KeyValueCache(int positions, int width)
{
    private readonly float[] _keys = new float[positions * width];
    private readonly float[] _values = new float[positions * width];

    /// <summary>Keys of the first positions.</summary>
    public ReadOnlySpan<float> KeysUpTo(int position) => _keys.AsSpan(0, position * width);

    /// <summary>Values of the first positions.</summary>
    public ReadOnlySpan<float> ValuesUpTo(int position) => _values.AsSpan(0, position * width);

    /// <summary>Puts rows at a position and behind it, over what was there.</summary>
    public void Append(int position, ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        keys.CopyTo(_keys.AsSpan(position * width));
        values.CopyTo(_values.AsSpan(position * width));
    }
}
