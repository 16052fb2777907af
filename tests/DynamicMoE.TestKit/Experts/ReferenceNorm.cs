namespace DynamicMoE.TestKit.Experts;

/// <summary>Normalisations of one row.</summary>
public static class ReferenceNorm
{
    /// <summary>x / sqrt(mean(x^2) + epsilon) * weight.</summary>
    public static double[] Rms(ReadOnlySpan<double> x, ReadOnlySpan<double> weight, double epsilon)
    {
        double squares = 0;
        foreach (double value in x)
        {
            squares += value * value;
        }

        double scale = 1 / Math.Sqrt((squares / x.Length) + epsilon);
        var y = new double[x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = x[i] * scale * (weight.IsEmpty ? 1 : weight[i]);
        }

        return y;
    }

    /// <summary>(x - mean) / sqrt(var + epsilon) * weight + bias, with the population variance.</summary>
    public static double[] Layer(ReadOnlySpan<double> x, ReadOnlySpan<double> weight, ReadOnlySpan<double> bias, double epsilon)
    {
        double mean = 0, variance = 0;
        foreach (double value in x)
        {
            mean += value / x.Length;
        }

        foreach (double value in x)
        {
            variance += (value - mean) * (value - mean) / x.Length;
        }

        double scale = 1 / Math.Sqrt(variance + epsilon);
        var y = new double[x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = ((x[i] - mean) * scale * (weight.IsEmpty ? 1 : weight[i])) + (bias.IsEmpty ? 0 : bias[i]);
        }

        return y;
    }
}
