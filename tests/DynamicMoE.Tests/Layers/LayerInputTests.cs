using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

/// <summary>Bad input to layers and expert banks: a typed exception that names the value, and nothing written.</summary>
public sealed class LayerInputTests : IDisposable
{
    private const int Dim = 4;
    private readonly TestExperts _experts = TestExperts.Create(new ExpertBankOptions { NumExperts = 3, Hidden = Dim, Width = 5 });
    private readonly DynamicRouter _router = new(new DynamicRouterOptions { InputDim = Dim, NumExperts = 3, MaxExperts = 2 });
    private readonly MoELayer _layer;

    public LayerInputTests() => _layer = new MoELayer(_router, _experts.Bank);

    public void Dispose()
    {
        _layer.Dispose();
        _router.Dispose();
        _experts.Dispose();
    }

    [Fact]
    public void Forward_WhenAValueIsNotFinite_NamesTheTokenAndWritesNothing()
    {
        var output = new float[8];
        Array.Fill(output, 7);

        var error = Assert.Throws<RoutingValidationException>(() => _layer.Forward([1, 2, 3, 4, 5, 6, float.NaN, 8], 2, output));

        Assert.Contains("token 1", error.Message, StringComparison.Ordinal);
        Assert.All(output, y => Assert.Equal(7f, y));
        Assert.Equal(0, _layer.GetPerformanceSummary().TotalForwardCalls);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(8, 2, 4)]
    [InlineData(8, 3, 8)]
    [InlineData(8, -2, 8)]
    public void Forward_WhenShapeIsWrong_IsRefused(int inputs, int tokens, int outputs) =>
        Assert.Throws<RoutingValidationException>(() => _layer.Forward(new float[inputs], tokens, new float[outputs]));

    [Fact]
    public void Forward_WhenSpansOverlap_IsRefused()
    {
        var memory = new float[12];

        Assert.Contains(
            "overlap",
            Assert.Throws<RoutingValidationException>(() => _layer.Forward(memory.AsSpan(0, 8), 2, memory.AsSpan(4, 8))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Forward_WhenTensorShapesDiffer_IsRefused() => Assert.Throws<RoutingValidationException>(
        () => _layer.Forward(new ReadOnlyTensorSpan<float>(new float[8], [1, 2, Dim]), new TensorSpan<float>(new float[8], [2, 1, Dim])));

    [Fact]
    public void Forward_WhenFiniteInputOverflows_ThrowsExpertDispatch()
    {
        using ExpertBank bank = ExpertBank.Create(new ExpertBankOptions { NumExperts = 3, Hidden = Dim, Width = Dim, Kind = ExpertKind.Linear });
        var huge = new float[Dim * Dim];
        Array.Fill(huge, 3e38f);
        for (int expert = 0; expert < 3; expert++)
        {
            bank.SetExpert(expert, ExpertWeights.FromFloat32(default, huge, default));
        }

        using var layer = new MoELayer(_router, bank);

        Assert.Throws<ExpertDispatchException>(() => layer.Forward([1, 1, 1, 1], 1, new float[Dim]));
    }

    [Fact]
    public void Forward_AfterDispose_ThrowsObjectDisposed()
    {
        _layer.Dispose();
        _layer.Dispose();

        Assert.Throws<ObjectDisposedException>(() => _layer.Forward(new float[Dim], 1, new float[Dim]));
    }

    [Fact]
    public void Forward_WhenTheBankIsDisposed_KeepsRunning()
    {
        _experts.Dispose();

        Assert.Equal(1, _layer.Forward(new float[Dim], 1, new float[Dim]).Tokens);
    }

    [Fact]
    public void Forward_WhenTheRouterIsDisposed_ThrowsObjectDisposed()
    {
        _router.Dispose();

        Assert.Throws<ObjectDisposedException>(() => _layer.Forward(new float[Dim], 1, new float[Dim]));
    }

    [Fact]
    public void Constructor_WhenShapesDiffer_NamesBoth()
    {
        using var other = TestExperts.Create(new ExpertBankOptions { NumExperts = 2, Hidden = 6, Width = 5 });

        string message = Assert.Throws<RouterConfigurationException>(() => new MoELayer(_router, other.Bank)).Message;

        Assert.Contains("The experts are 2, the router has 3", message, StringComparison.Ordinal);
        Assert.Contains("hidden size 6, the router has 4", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_WhenAnExpertHasNoWeights_IsRefused()
    {
        using ExpertBank bank = ExpertBank.Create(new ExpertBankOptions { NumExperts = 3, Hidden = Dim, Width = 5 });

        Assert.Throws<RouterConfigurationException>(() => new MoELayer(_router, bank));
    }

    [Fact]
    public void Constructor_WhenOptionsAreWrong_NamesThem()
    {
        var options = new MoELayerOptions
        {
            MaxTokens = 0, Threads = -1, ExpertCapacityFactor = float.NaN, DropoutRate = 1, SharedExpertGate = [1],
        };

        string message = Assert.Throws<RouterConfigurationException>(() => new MoELayer(_router, _experts.Bank, options)).Message;

        foreach (string part in new[] { "MaxTokens (0)", "Threads (-1)", "ExpertCapacityFactor (NaN)", "DropoutRate (1)", "SharedExpertGate needs", "has 1 elements" })
        {
            Assert.Contains(part, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Constructor_WhenArgumentsAreNull_ThrowsArgumentNull()
    {
        Assert.Throws<ArgumentNullException>("router", () => new MoELayer(null!, _experts.Bank));
        Assert.Throws<ArgumentNullException>("experts", () => new MoELayer(_router, (ExpertBank)null!));
        Assert.Throws<ArgumentNullException>(() => new MoELayer(_router, (ExpertBankOptions)null!));
    }

    [Fact]
    public void SetExpert_WhenWeightsDoNotFit_SaysWhatIsNeeded()
    {
        ExpertBank bank = _experts.Bank;
        var matrix = new float[20];

        Assert.Throws<ArgumentOutOfRangeException>("index", () => bank.SetExpert(3, ExpertWeights.FromFloat32(matrix, matrix, matrix)));
        Assert.Throws<ArgumentOutOfRangeException>("index", () => bank.SetExpert(-1, ExpertWeights.FromFloat32(matrix, matrix, matrix)));
        Throws("gate has 0 elements, 20", () => bank.SetExpert(0, ExpertWeights.FromFloat32(default, matrix, matrix)));
        Throws("down has 19", () => bank.SetExpert(0, ExpertWeights.FromFloat32(matrix, matrix, matrix.AsSpan(1))));
        Throws("UpBias has 5", () => bank.SetExpert(0, ExpertWeights.FromFloat32(matrix, matrix, matrix) with { UpBias = new float[5] }));
        matrix[3] = float.NegativeInfinity;
        Assert.Throws<RoutingValidationException>(() => bank.SetExpert(0, ExpertWeights.FromFloat32(matrix, new float[20], new float[20])));
    }

    [Fact]
    public void SetExpert_WhenWeightsExceedTheirLargestSize_NamesBoth()
    {
        // Nobody reads past the length check: the spans need no memory behind them.
        float single = 0;
        ushort bits = 0;
        Half half = Half.Zero;
        ExpertBank bank = _experts.Bank;

        Throws(
            "up has 536870912 elements of 4 bytes, at most 536870911",
            () => bank.SetExpert(0, ExpertWeights.FromFloat32(default, MemoryMarshal.CreateReadOnlySpan(in single, 536_870_912), default)));
        Throws(
            "gate has 1073741824 elements of 2 bytes, at most 1073741823",
            () => bank.SetExpert(0, ExpertWeights.FromBFloat16(MemoryMarshal.CreateReadOnlySpan(in bits, 1_073_741_824), default, default)));
        Throws(
            "down has 1073741824 elements of 2 bytes, at most 1073741823",
            () => bank.SetExpert(0, ExpertWeights.FromFloat16(default, default, MemoryMarshal.CreateReadOnlySpan(in half, 1_073_741_824))));
    }

    [Theory]
    [InlineData(65536, 65536, "4294967296")]
    [InlineData(32768, 16384, "536870912")]
    public void CreateRandom_WhenAMatrixExceedsItsLargestSize_NamesBoth(int hidden, int width, string elements)
    {
        var options = new ExpertBankOptions { NumExperts = 1, Hidden = hidden, Width = width };

        string message = Assert.Throws<RouterConfigurationException>(() => ExpertBank.CreateRandom(options)).Message;

        Assert.Contains($"Width ({width}) * Hidden ({hidden}) = {elements}, at most 536870911", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_WhenBankOptionsAreWrong_NamesThem()
    {
        var options = new ExpertBankOptions { NumExperts = 0, Hidden = 4, Width = 5, Kind = ExpertKind.Linear, Format = (WeightFormat)9 };

        string message = Assert.Throws<RouterConfigurationException>(() => ExpertBank.Create(options)).Message;

        Assert.Contains("NumExperts (0)", message, StringComparison.Ordinal);
        Assert.Contains("Width (5) must be Hidden (4)", message, StringComparison.Ordinal);
        Assert.Contains("Format (9)", message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => ExpertBank.Create(null!));
    }

    private static void Throws(string part, Action action) =>
        Assert.Contains(part, Assert.Throws<RoutingValidationException>(action).Message, StringComparison.Ordinal);
}
