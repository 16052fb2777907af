using System.Globalization;

namespace DynamicMoE.TestKit.Numerics;

/// <summary>A named bound on the error of a float32 result, with the reason why it is what it is.</summary>
public sealed class Tolerance
{
    /// <summary>Unit roundoff of binary32: one correctly rounded operation errs by at most this share.</summary>
    public const double U = 1.0 / (1 << 24);

    private readonly Func<int, double, double> _bound;

    private Tolerance(string name, string why, Func<int, double, double> bound)
    {
        Name = name;
        Why = why;
        _bound = bound;
    }

    /// <summary>Short name; part of the failure message.</summary>
    public string Name { get; }

    /// <summary>Derivation, one sentence; part of the failure message.</summary>
    public string Why { get; }

    /// <summary>The float nearest to the expected double, bit for bit (zeros of either sign are equal).</summary>
    public static Tolerance Exact { get; } = new("Exact", "the result is one correctly rounded value", (_, _) => 0);

    /// <summary>Gate weights against another implementation of the same convention: 4 ulp (DESIGN.md 4.6).</summary>
    public static Tolerance GateWeight { get; } =
        new("GateWeight", "4 ulp: exp polynomial 2, sum 1, division 1", (_, e) => (8 * U * Math.Abs(e)) + 1e-37);

    /// <summary>Gate weights against exact ones on the same float logits.</summary>
    /// <param name="experts">Masses that are summed at most.</param>
    /// <param name="spread">Largest |logit - best logit| of a selected expert.</param>
    public static Tolerance GateWeights(int experts, double spread) => new(
        "GateWeights",
        "n/16 + 12 roundings of exp, tree sum, division and scale, and one of l - max, which exp multiplies by |l - max|",
        (_, e) => ((Gamma((experts / 16) + 12) + (U * spread)) * Math.Abs(e)) + 1e-37);

    /// <summary>Probabilities and scores in [0,1] that pass through exp and log: 2^-18 absolute.</summary>
    public static Tolerance Score { get; } =
        new("Score", "exp, log and a tree sum over E terms in [0,1]: 64 roundings at 1", (_, _) => 64 * U);

    /// <summary>Norms: a 16-lane tree over K squares, one square root, one division, two products.</summary>
    /// <param name="k">Elements that are averaged.</param>
    /// <param name="magnitude">Largest |value| that is subtracted or scaled (0 when only relative error counts).</param>
    public static Tolerance F32Norm(int k, double magnitude = 0) => new(
        "F32Norm",
        "(K/16 + 8) roundings relative to the result, and 8 at the magnitude that cancels",
        (_, e) => (Gamma((k / 16) + 8) * Math.Abs(e)) + (Gamma((k / 16) + 8) * magnitude) + 1e-37);

    /// <summary>A dot product of K terms in float32 with one accumulator: gamma(K + 1) * sum|x||w|.</summary>
    /// <param name="k">Terms.</param>
    /// <param name="magnitude">sum |x_i||w_i| + |bias|, the largest over the compared elements.</param>
    public static Tolerance F32Gemm(int k, double magnitude) => new(
        "F32Gemm",
        $"gamma({k + 1}) * sum|x||w| = {Number(Gamma(k + 1))} * {Number(magnitude)}: one rounding per fma and one for the bias",
        (_, _) => (Gamma(k + 1) * magnitude) + 1e-37);

    /// <summary>A dot product of K bf16 pairs: products of two bf16 are exact in float32, so only the sums round;
    /// vdpbf16ps may flush denormal terms, each below 2^-126.</summary>
    /// <param name="k">Terms.</param>
    /// <param name="magnitude">sum |x_i||w_i| + |bias| of the *rounded* operands.</param>
    public static Tolerance Bf16Gemm(int k, double magnitude) => new(
        "Bf16Gemm",
        $"2 * gamma({k + 1}) * sum|x||w| on the rounded operands: vdpbf16ps rounds to odd inside a pair",
        (_, _) => (2 * Gamma(k + 1) * magnitude) + (k * 1.2e-38));

    /// <summary>Causal attention over keys: products of head_dim terms, exp, a sum over the visible keys.</summary>
    /// <param name="headDim">Terms of a score.</param>
    /// <param name="keys">Largest number of visible keys.</param>
    /// <param name="scoreMagnitude">Largest scale * sum|q||k|.</param>
    /// <param name="valueMagnitude">Largest |v|.</param>
    public static Tolerance F32Attention(int headDim, int keys, double scoreMagnitude, double valueMagnitude) => new(
        "F32Attention",
        "scores err by gamma(head_dim + 2) * magnitude, which exp turns into twice that share of every weight; two sums over the keys",
        (_, _) => ((2 * Gamma(headDim + 4) * scoreMagnitude) + (2 * Gamma(keys + 8))) * valueMagnitude);

    /// <summary>Logits of a whole decoder against double precision: errors grow through layers, normalisation keeps them relative.</summary>
    /// <param name="layers">Decoder layers.</param>
    /// <param name="width">Largest inner dimension of a product.</param>
    /// <param name="scale">Largest |logit|.</param>
    public static Tolerance F32Decoder(int layers, int width, double scale) => new(
        "F32Decoder",
        "each layer adds four products in sequence, whose roundings add like gamma(width); 4 covers the growth through the residual sum",
        (_, _) => 4 * layers * 4 * Gamma(width) * Math.Max(1, scale));

    /// <summary>The same for bf16 experts and products: a rounding of 2^-8 at each of four products per layer, adding as a random walk.</summary>
    /// <param name="layers">Decoder layers.</param>
    /// <param name="scale">Largest |logit|.</param>
    public static Tolerance Bf16Decoder(int layers, double scale) => new(
        "Bf16Decoder",
        "four roundings of 2^-8 per layer, adding as a random walk, times 4",
        (_, _) => 4 * Math.Sqrt(4 * layers) * Bf16.UnitRoundoff * Math.Max(1, scale));

    /// <summary>A fixed absolute bound; say why.</summary>
    public static Tolerance Absolute(double bound, string why) => new("Absolute", why, (_, _) => bound);

    /// <summary>A bound per element.</summary>
    public static Tolerance PerElement(string name, string why, double[] bounds) => new(name, why, (i, _) => bounds[i]);

    /// <summary>n*u / (1 - n*u): the classical bound on n roundings in sequence.</summary>
    public static double Gamma(int n) => n * U / (1 - (n * U));

    /// <summary>Largest permitted |actual - expected| at an element.</summary>
    public double BoundAt(int index, double expected) => _bound(index, expected);

    /// <summary>Compares every element; the message names the one that is furthest outside.</summary>
    /// <exception cref="ToleranceException">An element is outside, NaN against a number, or the lengths differ.</exception>
    public void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual)
    {
        if (expected.Length != actual.Length)
        {
            throw new ToleranceException($"{Name}: {actual.Length} values, expected {expected.Length}");
        }

        int worst = -1;
        double worstRatio = 1;
        for (int i = 0; i < expected.Length; i++)
        {
            double ratio = Ratio(i, expected[i], actual[i]);
            if (ratio > worstRatio)
            {
                worst = i;
                worstRatio = ratio;
            }
        }

        if (worst >= 0)
        {
            throw new ToleranceException(
                $"{Name}: element {worst} is {Number(actual[worst])}, expected {Number(expected[worst])}; error "
                + $"{Number(Math.Abs(actual[worst] - expected[worst]))} exceeds {Number(BoundAt(worst, expected[worst]))} ({Why})");
        }
    }

    /// <summary>Compares one value.</summary>
    /// <exception cref="ToleranceException">The value is outside.</exception>
    public void AssertClose(double expected, float actual) => AssertClose([expected], [actual]);

    // Share of the bound that the error takes; above 1 fails. The expected value's own rounding to float is
    // granted, since no float result can be nearer than that.
    private double Ratio(int index, double expected, float actual)
    {
        if ((float)expected == actual || (double.IsNaN(expected) && float.IsNaN(actual)))
        {
            return 0;
        }

        double error = Math.Abs(actual - expected);
        double bound = BoundAt(index, expected);
        return double.IsNaN(error) || bound == 0 ? double.PositiveInfinity : error / bound;
    }

    private static string Number(double value) => value.ToString("G9", CultureInfo.InvariantCulture);
}
