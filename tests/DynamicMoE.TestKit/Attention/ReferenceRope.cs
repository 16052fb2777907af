namespace DynamicMoE.TestKit.Attention;

/// <summary>Rotary position embedding in the "rotate half" layout: element i pairs with i + head_dim / 2.</summary>
public static class ReferenceRope
{
    /// <summary>Rotates every head of a row in place.</summary>
    /// <param name="row"><c>[heads * head_dim]</c>.</param>
    /// <param name="headDim">Even.</param>
    /// <param name="position">Position of the token, from 0.</param>
    /// <param name="theta">Base of the frequencies.</param>
    public static void Apply(Span<double> row, int headDim, int position, double theta)
    {
        int half = headDim / 2;
        for (int start = 0; start < row.Length; start += headDim)
        {
            for (int i = 0; i < half; i++)
            {
                double angle = position * Math.Pow(theta, -2.0 * i / headDim);
                double a = row[start + i], b = row[start + half + i];
                row[start + i] = (a * Math.Cos(angle)) - (b * Math.Sin(angle));
                row[start + half + i] = (b * Math.Cos(angle)) + (a * Math.Sin(angle));
            }
        }
    }
}
