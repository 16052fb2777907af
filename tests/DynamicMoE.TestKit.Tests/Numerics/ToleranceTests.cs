using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Tests.Numerics;

public sealed class ToleranceTests
{
    [Fact]
    public void AssertClose_WhenOneElementIsOutside_NamesTheWorst()
    {
        Tolerance tolerance = Tolerance.Absolute(0.5, "test");

        var error = Assert.Throws<ToleranceException>(() => tolerance.AssertClose([1, 2, 3], [1.4f, 4f, 3.6f]));

        Assert.Equal("Absolute: element 1 is 4, expected 2; error 2 exceeds 0.5 (test)", error.Message);
    }

    [Fact]
    public void AssertClose_WhenLengthsDiffer_SaysBoth()
    {
        var error = Assert.Throws<ToleranceException>(() => Tolerance.Exact.AssertClose([1, 2], [1f]));

        Assert.Equal("Exact: 1 values, expected 2", error.Message);
    }

    [Fact]
    public void AssertClose_WhenActualIsNaN_Fails() =>
        Assert.Throws<ToleranceException>(() => Tolerance.Absolute(1e9, "test").AssertClose([1], [float.NaN]));

    [Fact]
    public void AssertClose_WhenActualIsInfinite_Fails() =>
        Assert.Throws<ToleranceException>(() => Tolerance.Absolute(1e9, "test").AssertClose([1], [float.PositiveInfinity]));

    [Fact]
    public void Exact_WhenFloatIsNearest_PassesAndItsNeighbourFails()
    {
        Tolerance.Exact.AssertClose(0.1, 0.1f);

        Assert.Throws<ToleranceException>(() => Tolerance.Exact.AssertClose(0.1, MathF.BitIncrement(0.1f)));
    }

    [Fact]
    public void F32Gemm_WhenSumIsAccumulatedInFloat_HoldsAndIsNotVacuous()
    {
        var random = new DynamicMoE.TestKit.Generators.SeededRandom(3);
        float[] x = random.Gaussian(1000), w = random.Gaussian(1000);
        float actual = 0;
        double expected = 0, magnitude = 0;
        for (int i = 0; i < x.Length; i++)
        {
            actual = MathF.FusedMultiplyAdd(x[i], w[i], actual);
            expected += (double)x[i] * w[i];
            magnitude += Math.Abs((double)x[i] * w[i]);
        }

        Tolerance tolerance = Tolerance.F32Gemm(1000, magnitude);

        tolerance.AssertClose(expected, actual);
        Assert.Throws<ToleranceException>(() => tolerance.AssertClose(expected, actual + 0.2f));
    }
}
