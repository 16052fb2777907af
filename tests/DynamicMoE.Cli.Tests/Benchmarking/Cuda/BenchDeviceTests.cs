using System.Text.Json;
using DynamicMoE.TestKit.Devices;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking.Cuda;

[Collection(SimulatedDriver.Collection)]
public sealed class BenchDeviceTests : IDisposable
{
    private const string Tiny = "bench layer --hidden 40 --width 24 --experts 5 --k 2 --tokens 3 --format bf16 --threads 1";

    public BenchDeviceTests() => SimulatedDriver.Reset();

    public void Dispose() => NativeLibraryOptions.CudaDriverPath = null;

    [Fact]
    public async Task Layer_OnADevice_SetsTimesBesideTheModel()
    {
        ToolRun run = await ToolRun.Of($"{Tiny} --device cuda --cuda-driver {SimulatedDriver.File}".Split(' '));

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        Assert.Contains("compute capability 8.0", run.Out, StringComparison.Ordinal);
        Assert.Contains("ms in device memory", run.Out, StringComparison.Ordinal);
        Assert.Contains("ms (clocks and memory bus that the driver tells); measured over modelled ", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Layer_OnADeviceAsJson_HasTimes()
    {
        ToolRun run = await ToolRun.Of($"{Tiny} --device cuda:0 --cuda-driver {SimulatedDriver.File} --json".Split(' '));

        using JsonDocument json = JsonDocument.Parse(run.Out);
        Assert.True(json.RootElement.GetProperty("milliseconds").GetDouble() > 0);
        Assert.True(json.RootElement.GetProperty("milliseconds_with_copies").GetDouble() > 0);
        Assert.True(json.RootElement.GetProperty("model_milliseconds").GetDouble() > 0);
        Assert.True(json.RootElement.GetProperty("ratio_to_model").GetDouble() > 0);
    }

    [Fact]
    public async Task Layer_OnACardOfAnUnknownArchitecture_HasNoModel()
    {
        SimulatedDriver.Reset("capability=120");

        ToolRun run = await ToolRun.Of($"{Tiny} --device cuda --cuda-driver {SimulatedDriver.File}".Split(' '));

        Assert.Equal(ExitCodes.Ok, run.ExitCode);
        Assert.Contains("model    none: nothing is known of cards of compute capability 12.0", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Layer_WhenThereIsNoDevice_SaysWhy()
    {
        ToolRun run = await ToolRun.Of($"{Tiny} --device cuda --cuda-driver /no/such/libcuda.so.1".Split(' '));

        Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
        Assert.Contains("unavailable, because /no/such/libcuda.so.1", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--device gpu", "--device 'gpu' is not cpu, cuda or cuda:N")]
    [InlineData("--device auto", "--device 'auto' is not cpu, cuda or cuda:N")]
    [InlineData("--device cuda --peers", "--peers run on the processor")]
    public async Task Layer_WhenTheOptionIsWrong_SaysHow(string option, string message)
    {
        ToolRun run = await ToolRun.Of($"{Tiny} {option}".Split(' '));

        Assert.Equal((ExitCodes.Usage, ""), (run.ExitCode, run.Out));
        Assert.StartsWith($"dmoe: {message}", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("devices=0", "the driver finds no device")]
    [InlineData("fail=cuInit:1:0:0", "cuInit")]
    [InlineData("driver=11000", "CUDA 11.0")]
    public async Task Doctor_WhenTheDriverIsNoUse_SaysWhyAndGoesOn(string machine, string reason)
    {
        SimulatedDriver.Reset(machine);

        ToolRun run = await ToolRun.Of("doctor", "--cuda-driver", SimulatedDriver.File);

        string line = Assert.Single(run.Out.Split('\n'), line => line.StartsWith("CUDA ", StringComparison.Ordinal));
        Assert.Contains("unavailable, because", line, StringComparison.Ordinal);
        Assert.Contains(reason, line, StringComparison.Ordinal);
        Assert.Contains("processor ", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_WhenThereAreDevices_ListsThemAndThatNothingWasMeasured()
    {
        SimulatedDriver.Reset("devices=2");

        ToolRun run = await ToolRun.Of("doctor", "--cuda-driver", SimulatedDriver.File);

        Assert.Contains("2 of 2 devices usable", run.Out, StringComparison.Ordinal);
        Assert.Contains("cuda:1 ", run.Out, StringComparison.Ordinal);
        Assert.Contains("nothing has been measured on hardware yet", run.Out, StringComparison.Ordinal);
    }
}
