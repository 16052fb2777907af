using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

public sealed class LayerNormMoETests
{
    private const int Dim = 12;

    [Theory]
    [InlineData(false, 1e-3f)]
    [InlineData(true, 1e-3f)]
    [InlineData(true, 4f)]
    public void Forward_WhenExpertsDouble_IsInputPlusTwiceTheNormalised(bool scaled, float epsilon)
    {
        var random = new SeededRandom(1);
        float[]? weight = scaled ? random.Gaussian(Dim) : null;
        float[]? bias = scaled ? random.Gaussian(Dim) : null;
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = Dim, NumExperts = 3 });
        using var layer = new LayerNormMoE(
            router, _ => FunctionExpert.Times(2), 3, new LayerNormMoEOptions { LayerNormWeight = weight, LayerNormBias = bias, LayerNormEps = epsilon });
        float[] hidden = random.Gaussian(5 * Dim, 3);
        var output = new float[hidden.Length];

        layer.Forward(hidden, 5, output);

        for (int token = 0; token < 5; token++)
        {
            double[] x = [.. hidden.Skip(token * Dim).Take(Dim).Select(v => (double)v)];
            double[] normalised = ReferenceNorm.Layer(x, Widen(weight), Widen(bias), epsilon);
            for (int d = 0; d < Dim; d++)
            {
                Assert.Equal(x[d] + 2 * normalised[d], output[token * Dim + d], 2e-5);
            }
        }
    }

    [Fact]
    public void Forward_WhenAValueIsNotFinite_NamesTheTokenAndWritesNothing()
    {
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = 2, NumExperts = 2 });
        using var layer = new LayerNormMoE(router, _ => FunctionExpert.Times(1), 2);
        float[] output = [7, 7, 7, 7];

        var error = Assert.Throws<RoutingValidationException>(() => layer.Forward([1, 2, 3, float.PositiveInfinity], 2, output));

        Assert.Contains("token 1", error.Message, StringComparison.Ordinal);
        Assert.All(output, y => Assert.Equal(7f, y));
    }

    [Fact]
    public void Constructor_WhenOptionsAreWrong_NamesThem()
    {
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = 2, NumExperts = 2 });
        var options = new LayerNormMoEOptions { LayerNormEps = 0, LayerNormWeight = [1], LayerNormBias = [1, float.NaN] };

        string message = Assert.Throws<RouterConfigurationException>(() => new LayerNormMoE(router, _ => FunctionExpert.Times(1), 2, options)).Message;

        Assert.Contains("LayerNormEps (0)", message, StringComparison.Ordinal);
        Assert.Contains("LayerNormWeight has 1", message, StringComparison.Ordinal);
        Assert.Contains("LayerNormBias must be finite", message, StringComparison.Ordinal);
    }

    private static double[] Widen(float[]? values) => values is null ? [] : Array.ConvertAll(values, v => (double)v);
}
