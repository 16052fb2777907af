using DynamicMoE.TestKit.Devices;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Devices;

/// <summary>Layers on a device, with the simulated driver, which runs the shipped PTX.</summary>
[Collection(SimulatedDriver.Collection)]
public sealed class DeviceLayerTests : IDisposable
{
    private const int Dim = 24;
    private const int Experts = 6;
    private const int Tokens = 11;

    private readonly TestExperts _experts = TestExperts.Create(new ExpertBankOptions
    {
        NumExperts = Experts, Hidden = Dim, Width = 40, Kind = ExpertKind.SwiGlu, Format = WeightFormat.Float32, UseBias = true,
    });

    private readonly DynamicRouter _router = Router();
    private readonly float[] _hidden = new SeededRandom(2).Gaussian(Tokens * Dim);

    public DeviceLayerTests()
    {
        SimulatedDriver.Reset();
        NativeLibraryOptions.CudaDriverPath = SimulatedDriver.File;
    }

    public void Dispose()
    {
        _router.Dispose();
        _experts.Dispose();
        NativeLibraryOptions.CudaDriverPath = null;
    }

    [Fact]
    public void Forward_OnADevice_DecidesAndComputesAsOnTheProcessor()
    {
        using MoELayer host = Layer(ComputeDevice.Cpu), device = Layer(ComputeDevice.Cuda(0));
        (float[] expected, RoutingBuffers expectedRoutes, RoutingReport expectedReport) = Forward(host);

        (float[] actual, RoutingBuffers routes, RoutingReport report) = Forward(device);

        Assert.Equal(ComputeDevice.Cuda(0), device.Device);
        Assert.False(device.HasLeftDevice);
        Assert.Equal(expectedReport, report);
        SameRouting.Assert(expectedRoutes, routes, Tokens);
        AssertClose(expected, actual);
        Assert.NotEqual(0, SimulatedDriver.Calls("cuLaunchKernel") + SimulatedDriver.Calls("cuGraphLaunch"));
    }

    [Fact]
    public void Execute_OnADevice_RunsGivenRoutes()
    {
        using MoELayer host = Layer(ComputeDevice.Cpu), device = Layer(ComputeDevice.Cuda(0));
        (float[] expected, RoutingBuffers routes, _) = Forward(host);
        var actual = new float[expected.Length];

        device.Execute(_hidden, Tokens, routes, actual);

        AssertClose(expected, actual);
    }

    [Fact]
    public async Task ForwardAsync_OnDeviceMemory_GivesTheSameAndLetsTheRouterLearn()
    {
        using CudaDevice device = CudaDevice.Open();
        using MoELayer host = Layer(ComputeDevice.Cpu), layer = new(_router, _experts.Bank, new MoELayerOptions { CudaDevice = device });
        (float[] expected, RoutingBuffers expectedRoutes, RoutingReport expectedReport) = Forward(host);
        long usedBefore = _router.GetExpertUsageStats().TotalRoutes;
        using DeviceBuffer hidden = device.Upload(_hidden);
        using DeviceBuffer output = device.Allocate(_hidden.Length * sizeof(float));
        using DeviceStream stream = device.CreateStream();
        var routes = new RoutingBuffers(Tokens, _router.MaxExperts, Experts, withLogits: true);

        RoutingReport report = await layer.ForwardAsync(
            new DeviceForward { Tokens = Tokens, Hidden = hidden.Address, Output = output.Address, Stream = stream.Handle, Routing = routes });

        var actual = new float[_hidden.Length];
        output.CopyTo<float>(actual);
        Assert.Equal(expectedReport, report);
        SameRouting.Assert(expectedRoutes, routes, Tokens);
        AssertClose(expected, actual);
        Assert.True(_router.GetExpertUsageStats().TotalRoutes > usedBefore);
    }

    [Fact]
    public async Task ForwardAsync_WhenAHiddenStateIsNotFinite_ThrowsWithItsToken()
    {
        using CudaDevice device = CudaDevice.Open();
        using var layer = new MoELayer(_router, _experts.Bank, new MoELayerOptions { CudaDevice = device });
        _hidden[(4 * Dim) + 3] = float.NaN;
        using DeviceBuffer hidden = device.Upload(_hidden);
        using DeviceBuffer output = device.Allocate(_hidden.Length * sizeof(float));

        RoutingValidationException error = await Assert.ThrowsAsync<RoutingValidationException>(
            () => layer.ForwardAsync(new DeviceForward { Tokens = Tokens, Hidden = hidden.Address, Output = output.Address }));

        Assert.Contains("token 4", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ForwardAsync_WhenTheLayerIsOnTheProcessor_SaysSo()
    {
        using MoELayer layer = Layer(ComputeDevice.Cpu);

        RouterConfigurationException error = await Assert.ThrowsAsync<RouterConfigurationException>(
            () => layer.ForwardAsync(new DeviceForward { Tokens = 1, Hidden = 256, Output = 512 }));

        Assert.Contains("processor", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ForwardAsync_WhenScoresNeedHostMemory_SaysWhich()
    {
        using var router = new DynamicRouter(new DynamicRouterOptions
        {
            InputDim = Dim, NumExperts = Experts, MaxExperts = 3, ComplexityEstimator = ComplexityEstimators.GradientNorm,
        });
        using CudaDevice device = CudaDevice.Open();
        using var layer = new MoELayer(router, _experts.Bank, new MoELayerOptions { CudaDevice = device });

        RouterConfigurationException error = await Assert.ThrowsAsync<RouterConfigurationException>(
            () => layer.ForwardAsync(new DeviceForward { Tokens = 1, Hidden = 256, Output = 512 }));

        Assert.Contains("router_margin", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_WhenThereIsNoDevice_ThrowsUnlessTheProcessorMayTakeOver()
    {
        SimulatedDriver.Reset("devices=0");

        BackendException error = Assert.Throws<BackendException>(() => Layer(ComputeDevice.Cuda(0)));
        using MoELayer auto = Layer(ComputeDevice.Auto);
        using MoELayer fallBack = Layer(ComputeDevice.Cuda(0), fallBack: true);

        Assert.Contains("unavailable, because", error.Message, StringComparison.Ordinal);
        Assert.Equal((ComputeDevice.Cpu, false), (auto.Device, auto.HasLeftDevice));
        Assert.Equal((ComputeDevice.Cpu, true), (fallBack.Device, fallBack.HasLeftDevice));
        Assert.Contains("unavailable, because", fallBack.DeviceReason, StringComparison.Ordinal);
        _ = Forward(fallBack);
    }

    [Fact]
    public void Forward_WhenTheDeviceFails_IsRunAgainOnTheProcessor()
    {
        using MoELayer host = Layer(ComputeDevice.Cpu), layer = Layer(ComputeDevice.Auto);
        (float[] expected, _, _) = Forward(host);
        SimulatedDriver.BreakKernel("dmoe_combine");

        (float[] actual, _, _) = Forward(layer);

        Assert.Equal(expected, actual);
        Assert.Equal((ComputeDevice.Cpu, true), (layer.Device, layer.HasLeftDevice));
        Assert.Contains("CUDA_ERROR_ILLEGAL_ADDRESS", layer.DeviceReason, StringComparison.Ordinal);
    }

    [Fact]
    public void Forward_WhenTheDeviceFailsAndNothingTakesOver_Throws()
    {
        using MoELayer layer = Layer(ComputeDevice.Cuda(0));
        SimulatedDriver.BreakKernel("dmoe_combine");

        Assert.Throws<BackendException>(() => Forward(layer));
        Assert.Throws<BackendException>(layer.CheckDevice);
    }

    [Fact]
    public void Build_OfTwoLayersOverTheSameExperts_HoldsThemOnce()
    {
        using CudaDevice device = CudaDevice.Open();
        var options = new MoELayerOptions { CudaDevice = device };
        using var one = new MoELayer(_router, _experts.Bank, options);
        long first = device.GetMemoryUsage().UsedBytes;
        using var two = new MoELayer(_router, _experts.Bank, options);
        long second = device.GetMemoryUsage().UsedBytes - first;

        Assert.True(first >= _experts.Bank.PackedBytes);
        Assert.True(second < _experts.Bank.PackedBytes / 2, $"{second} bytes more for a layer over experts of {_experts.Bank.PackedBytes} bytes");
    }

    [Fact]
    public async Task Dispose_OfTheDevice_LeavesItsLayersWhole()
    {
        CudaDevice device = CudaDevice.Open();
        using DeviceBuffer hidden = device.Upload(_hidden);
        using DeviceBuffer output = device.Allocate(_hidden.Length * sizeof(float));
        using var layer = new MoELayer(_router, _experts.Bank, new MoELayerOptions { CudaDevice = device, FallBackToCpu = true });
        Assert.Contains("handed in", layer.DeviceReason, StringComparison.Ordinal);

        device.Dispose();

        layer.CheckDevice();
        _ = await layer.ForwardAsync(new DeviceForward { Tokens = Tokens, Hidden = hidden.Address, Output = output.Address });
        SimulatedDriver.BreakKernel("dmoe_combine");
        _ = Forward(layer);
        Assert.True(layer.HasLeftDevice);
    }

    [Fact]
    public void Build_WhenTheBestDeviceIsNamedToo_SharesIt()
    {
        using MoELayer named = Layer(ComputeDevice.Cuda(0));
        long opened = SimulatedDriver.Calls("cuModuleLoadDataEx");
        using MoELayer again = Layer(ComputeDevice.Cuda(0)), best = Layer(ComputeDevice.Cuda());
        using MoELayer auto = Layer(ComputeDevice.Auto);

        Assert.Equal(ComputeDevice.Cuda(0), best.Device);
        Assert.Equal(ComputeDevice.Cuda(0), auto.Device);
        Assert.InRange(SimulatedDriver.Calls("cuModuleLoadDataEx"), opened, 2 * opened);
        _ = Forward(best);
        _ = Forward(auto);
    }

    [Fact]
    public void Build_WhenExpertsAreManaged_Throws() => Assert.Throws<RouterConfigurationException>(
        () => new MoELayer(_router, _ => new LinearExpert(), Experts, new MoELayerOptions { Device = ComputeDevice.Cuda(0) }));

    private static DynamicRouter Router() => new(new DynamicRouterOptions
    {
        InputDim = Dim, NumExperts = Experts, MaxExperts = 3, Strategy = RoutingStrategy.Threshold, Tau = 0.5f, LoadBalancing = false,
        ComplexityEstimator = ComplexityEstimators.RouterMargin,
    });

    private MoELayer Layer(ComputeDevice device, bool fallBack = false) =>
        new(_router, _experts.Bank, new MoELayerOptions { Device = device, FallBackToCpu = fallBack });

    private (float[] Output, RoutingBuffers Routes, RoutingReport Report) Forward(MoELayer layer)
    {
        var routes = new RoutingBuffers(Tokens, _router.MaxExperts, Experts, withLogits: true);
        var output = new float[_hidden.Length];
        RoutingReport report = layer.Forward(_hidden, Tokens, output, routes);
        return (output, routes, report);
    }

    // Products in float32 have one order of sums on both; what differs is the approximation in the activation.
    private static void AssertClose(float[] expected, float[] actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-4f);
        }
    }

    private sealed class LinearExpert : IExpert
    {
        public void Forward(ReadOnlySpan<float> rows, int count, Span<float> output) => rows.CopyTo(output);
    }
}
