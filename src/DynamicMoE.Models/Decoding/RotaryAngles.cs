namespace DynamicMoE.Models;

/// <summary>Rotary position embedding in the "rotate half" layout: element i of a head pairs with i + half.</summary>
internal sealed class RotaryAngles
{
    private readonly int _half;
    private readonly double[] _frequencies;
    private readonly float[] _cosines;
    private readonly float[] _sines;

    public RotaryAngles(AttentionConfig config, int maxTokens)
    {
        _half = config.HeadSize / 2;
        _frequencies = [.. Enumerable.Range(0, _half).Select(i => Math.Pow(config.RopeTheta, -2.0 * i / config.HeadSize))];
        _cosines = new float[maxTokens * _half];
        _sines = new float[maxTokens * _half];
    }

    /// <summary>Computes the angles of positions first..first+tokens-1, in double precision.</summary>
    public void Prepare(int first, int tokens)
    {
        for (int t = 0; t < tokens; t++)
        {
            for (int i = 0; i < _half; i++)
            {
                (double sine, double cosine) = Math.SinCos((first + t) * _frequencies[i]);
                _cosines[(t * _half) + i] = (float)cosine;
                _sines[(t * _half) + i] = (float)sine;
            }
        }
    }

    /// <summary>Turns every head of the prepared positions in place, <c>[tokens, heads * HeadSize]</c>.</summary>
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
