namespace DynamicMoE.Models;

/// <summary>Rotary position embedding in the "rotate half" layout: element i of a head pairs with i + half.</summary>
internal sealed class RotaryAngles
{
    private readonly int _half;
    private readonly double[] _frequencies;
    private float[] _cosines = [];
    private float[] _sines = [];

    public RotaryAngles(AttentionConfig config)
    {
        _half = config.HeadSize / 2;
        _frequencies = [.. Enumerable.Range(0, _half).Select(i => Math.Pow(config.RopeTheta, -2.0 * i / config.HeadSize))];
    }

    /// <summary>Makes room for the angles of so many rows.</summary>
    public void Reserve(int rows)
    {
        _cosines = new float[(long)rows * _half];
        _sines = new float[_cosines.Length];
    }

    /// <summary>Computes the angles of each row's position, in double precision.</summary>
    public void Prepare(ReadOnlySpan<int> positions)
    {
        for (int t = 0; t < positions.Length; t++)
        {
            for (int i = 0; i < _half; i++)
            {
                (double sine, double cosine) = Math.SinCos(positions[t] * _frequencies[i]);
                _cosines[(t * _half) + i] = (float)cosine;
                _sines[(t * _half) + i] = (float)sine;
            }
        }
    }

    /// <summary>Turns every head of the prepared rows in place, <c>[rows, heads * HeadSize]</c>.</summary>
    public void Turn(Span<float> rows, int heads)
    {
        int width = heads * 2 * _half;
        for (int start = 0; start < rows.Length; start += 2 * _half)
        {
            int angle = start / width * _half;
            ReadOnlySpan<float> cosines = _cosines.AsSpan(angle, _half), sines = _sines.AsSpan(angle, _half);
            Span<float> low = rows.Slice(start, _half), high = rows.Slice(start + _half, _half);
            for (int i = 0; i < low.Length; i++)
            {
                (float a, float b) = (low[i], high[i]);
                low[i] = (a * cosines[i]) - (b * sines[i]);
                high[i] = (b * cosines[i]) + (a * sines[i]);
            }
        }
    }
}
