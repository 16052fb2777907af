namespace DynamicMoE.TestKit.Numerics;

/// <summary>Reference values with the error that a float32 implementation may make at each of them.</summary>
/// <param name="Values">The double-precision result.</param>
/// <param name="Bounds">Largest absolute error per element; same length, finite, >= 0.</param>
/// <param name="Why">How the bound is derived, one sentence.</param>
public sealed record BoundedValues(double[] Values, double[] Bounds, string Why)
{
    /// <summary>Compares under the bounds.</summary>
    /// <exception cref="ToleranceException">An element is outside its bound, or the lengths differ.</exception>
    public void AssertClose(ReadOnlySpan<float> actual) =>
        Tolerance.PerElement("derived", Why, Bounds).AssertClose(Values, actual);
}
