using System.Globalization;

namespace DynamicMoE.TestKit.Numerics;

/// <summary>A bound on the root mean square of the errors of many float32 results. Where the largest error of a long computation can only be
/// bounded with a wide margin, the mean square follows from how roundings of random sign add, and a systematic fault shows in it.</summary>
public sealed class RmsTolerance
{
    private RmsTolerance(string name, string why, double bound)
    {
        Name = name;
        Why = why;
        Bound = bound;
    }

    /// <summary>Short name; part of the failure message.</summary>
    public string Name { get; }

    /// <summary>Derivation, one sentence; part of the failure message.</summary>
    public string Why { get; }

    /// <summary>Largest permitted root mean square.</summary>
    public double Bound { get; }

    /// <summary>Logits of a decoder in float32 against double precision.</summary>
    /// <remarks>A partial sum of k random terms has sqrt(k) times a term's size and is rounded with a relative error of u/sqrt(3) in the mean
    /// square; over k = 1..width the errors of a product add to u * sqrt(width/6) of its size. Four products in sequence per layer add as a random
    /// walk. How far norms, softmax and the weights amplify it is not part of the derivation: TinyMoE was measured to need 0.2 of the bound.</remarks>
    /// <param name="layers">Decoder layers.</param>
    /// <param name="width">Largest inner dimension of a product.</param>
    /// <param name="scale">Root mean square of the logits.</param>
    public static RmsTolerance F32Decoder(int layers, int width, double scale) => new(
        "F32Decoder",
        "u * sqrt(width/6) per product, four products per layer as a random walk",
        Math.Sqrt(4 * layers) * Tolerance.U * Math.Sqrt(width / 6.0) * scale);

    /// <summary>Logits of a decoder whose products round activations to bf16, against double precision on the same weights.</summary>
    /// <remarks>Rounding to nearest errs by 0.41 of the unit roundoff in the mean square (uniform within half a unit, averaged over a binade), in
    /// every term independently, so that is a product's relative error too; four products per layer add as a random walk. Residual sums dilute
    /// it, so nothing is put on top: TinyMoE was measured to need 0.2 of the bound.</remarks>
    /// <param name="layers">Decoder layers.</param>
    /// <param name="scale">Root mean square of the logits.</param>
    public static RmsTolerance Bf16Decoder(int layers, double scale) => new(
        "Bf16Decoder",
        "0.41 of a unit roundoff of bf16 per product, four products per layer as a random walk",
        0.41 * Math.Sqrt(4 * layers) * Bf16.UnitRoundoff * scale);

    /// <summary>The same against a decoder in double precision that rounds the same operands to bf16.</summary>
    /// <remarks>Equal operands round alike. One that lies within the float32 error of a midpoint rounds the other way, which is a whole unit; each such
    /// flip moves later operands, and the share of flipped ones grows from layer to layer. How far is measured, not derived: a fifth of the bound
    /// without common rounding is granted, of which TinyMoE needs 0.4.</remarks>
    /// <param name="layers">Decoder layers.</param>
    /// <param name="scale">Root mean square of the logits.</param>
    public static RmsTolerance Bf16DecoderRoundedAlike(int layers, double scale) => new(
        "Bf16DecoderRoundedAlike", "a fifth of the bound without common rounding, as measured", Bf16Decoder(layers, scale).Bound / 5);

    /// <summary>Root mean square of values.</summary>
    public static double Of(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
        {
            sum += value * value;
        }

        return Math.Sqrt(sum / values.Length);
    }

    /// <summary>Root mean square of the errors.</summary>
    /// <exception cref="ToleranceException">The lengths differ.</exception>
    public static double Of(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual)
    {
        if (expected.Length != actual.Length)
        {
            throw new ToleranceException($"{actual.Length} values, expected {expected.Length}");
        }

        var errors = new double[expected.Length];
        for (int i = 0; i < errors.Length; i++)
        {
            errors[i] = actual[i] - expected[i];
        }

        return Of(errors);
    }

    /// <summary>Compares.</summary>
    /// <exception cref="ToleranceException">The root mean square is above the bound or NaN, or the lengths differ.</exception>
    public void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual)
    {
        double error = Of(expected, actual);
        if (!(error <= Bound))
        {
            throw new ToleranceException(string.Create(
                CultureInfo.InvariantCulture, $"{Name}: the root mean square of the errors is {error:G4}, above {Bound:G4} ({Why})"));
        }
    }
}
