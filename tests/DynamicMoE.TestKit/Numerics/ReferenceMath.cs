namespace DynamicMoE.TestKit.Numerics;

/// <summary>Scalar functions that the BCL lacks, in double precision.</summary>
public static class ReferenceMath
{
    /// <summary>1 / (1 + e^-x), without overflow.</summary>
    public static double Sigmoid(double x) => x >= 0 ? 1 / (1 + Math.Exp(-x)) : Math.Exp(x) / (1 + Math.Exp(x));

    /// <summary>ln sigmoid(x), which does not underflow.</summary>
    public static double LogSigmoid(double x) => x >= 0 ? -double.LogP1(Math.Exp(-x)) : x - double.LogP1(Math.Exp(x));

    /// <summary>x * sigmoid(x).</summary>
    public static double Silu(double x) => x * Sigmoid(x);

    /// <summary>GELU by its definition, x/2 (1 + erf(x / sqrt 2)).</summary>
    public static double GeluErf(double x) => 0.5 * x * Erfc(-x / Math.Sqrt(2));

    /// <summary>GELU by the tanh approximation that PyTorch calls "tanh".</summary>
    public static double GeluTanh(double x) =>
        0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));

    /// <summary>Complementary error function to about 1e-15 relative: a series near 0, a continued fraction beyond.</summary>
    public static double Erfc(double x)
    {
        if (x < 0)
        {
            return 2 - Erfc(-x);
        }

        return x < 2.5 ? 1 - ErfSeries(x) : ErfcFraction(x);
    }

    /// <summary>Softmax of a row, shifted by its largest element.</summary>
    public static double[] Softmax(ReadOnlySpan<double> row)
    {
        double max = double.NegativeInfinity;
        foreach (double value in row)
        {
            max = Math.Max(max, value);
        }

        var result = new double[row.Length];
        double sum = 0;
        for (int i = 0; i < row.Length; i++)
        {
            result[i] = Math.Exp(row[i] - max);
            sum += result[i];
        }

        for (int i = 0; i < result.Length; i++)
        {
            result[i] /= sum;
        }

        return result;
    }

    /// <summary>Shannon entropy in nats; zero terms count nothing.</summary>
    public static double Entropy(ReadOnlySpan<double> probabilities)
    {
        double sum = 0;
        foreach (double p in probabilities)
        {
            sum -= p > 0 ? p * Math.Log(p) : 0;
        }

        return sum;
    }

    // erf x = 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!!: all terms positive, so nothing cancels.
    private static double ErfSeries(double x)
    {
        double term = x, sum = x;
        for (int n = 1; term > sum * 1e-17; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    // erfc x = e^(-x^2)/sqrt(pi) * 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))), evaluated from the far end.
    private static double ErfcFraction(double x)
    {
        double tail = x;
        for (int n = 120; n >= 1; n--)
        {
            tail = x + (n / 2.0 / tail);
        }

        return Math.Exp(-x * x) / Math.Sqrt(Math.PI) / tail;
    }
}
