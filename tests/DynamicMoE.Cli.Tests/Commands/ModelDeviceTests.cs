using System.Text.Json;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Devices;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

/// <summary>Commands that load a model, with its MoE layers on the simulated device, which interprets the kernels: few tokens.</summary>
[Collection(SimulatedDriver.Collection)]
public sealed class ModelDeviceTests : IClassFixture<ByteCheckpoint>, IDisposable
{
    private const string Text = "--max-bytes 256";

    // Outputs of a layer may differ by the bound of its kernel, 1e-4 at values about 1.
    private const double BitsPerByte = 1e-4;

    private readonly ByteCheckpoint _checkpoint;
    private readonly TemporaryDirectory _folder = new();

    public ModelDeviceTests(ByteCheckpoint checkpoint)
    {
        _checkpoint = checkpoint;
        SimulatedDriver.Reset();
    }

    public void Dispose()
    {
        NativeLibraryOptions.CudaDriverPath = null;
        _folder.Dispose();
    }

    [Fact]
    public async Task Generate_OfTinyMoE_WritesTheSameTextFromTheSameDecisionsAndSaysWhere()
    {
        const string command = "generate --prompt abc --temperature 0 --max-tokens 3 --budget 1.5";
        ToolRun host = await ToolRun.Of([.. Words(command), "--record", _folder["host"]]);

        ToolRun device = await ToolRun.Of([.. Words(command), "--record", _folder["device"], .. OnDevice("cuda:0")]);

        Assert.Equal((ExitCodes.Ok, host.Out), (device.ExitCode, device.Out));
        Assert.Equal(("", "MoE layers on cuda:0\n"), (host.Error, device.Error));
        Assert.NotEqual(0, Runs());
        ToolRun diff = await ToolRun.Of("diff", _folder["host"], _folder["device"], "--json");
        using JsonDocument json = JsonDocument.Parse(diff.Out);
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("first_experts").ValueKind);
        Assert.True(json.RootElement.GetProperty("tokens").GetInt64() > 3);
    }

    // With a calibration, for without one the thresholds are sought on thousands of tokens.
    [Fact]
    public async Task Eval_OnADevice_ScoresAsOnTheProcessor()
    {
        (await ToolRun.Of([.. Command($"calibrate {Text} --sensitivity-tokens 0"), "--out", _folder["c.json"]])).RequireSuccess();
        string[] command = [.. Command($"eval {Text} --json --row dynamic\u00a01.5"), "--calibration", _folder["c.json"]];
        JsonElement host = await JsonAsync(command);

        JsonElement device = await JsonAsync([.. command, .. OnDevice("cuda")]);

        Assert.Equal(("cpu", "cuda:0"), (Device(host), Device(device)));
        Assert.NotEqual(0, Runs());
        JsonElement expected = Assert.Single(host.GetProperty("rows").EnumerateArray()), actual = Assert.Single(device.GetProperty("rows").EnumerateArray());
        Assert.Equal(Number(expected, "bits_per_byte"), Number(actual, "bits_per_byte"), BitsPerByte);
        Assert.Equal(Number(expected, "mean_experts_per_token"), Number(actual, "mean_experts_per_token"));
        Assert.InRange(Number(actual, "mean_experts_per_token"), 1.01, 1.99);
    }

    [Theory]
    [InlineData($"eval {Text} --row static\u00a0top-2")]
    [InlineData("profile --static --tokens 2 --repetitions 1")]
    public async Task Run_OnADevice_SaysSoInTheLineOfTheModel(string command)
    {
        ToolRun run = await ToolRun.Of([.. Command(command), .. OnDevice("cuda")]);

        run.RequireSuccess();
        Assert.Contains("threads, MoE layers on cuda:0", run.Out.Split('\n')[0], StringComparison.Ordinal);
        Assert.NotEqual(0, Runs());
    }

    [Fact]
    public async Task Calibrate_OnADevice_RunsTheLayersThere()
    {
        ToolRun run = await ToolRun.Of([.. Command($"calibrate {Text} --sensitivity-tokens 0"), "--out", _folder["c.json"], .. OnDevice("cuda")]);

        run.RequireSuccess();
        Assert.NotEqual(0, Runs());
    }

    // The limits are those of the processor; a share of them would be nonsense.
    [Fact]
    public async Task Profile_OnADevice_HasNoSharesOfTheProcessorsLimits()
    {
        JsonElement report = await JsonAsync([.. Command("profile --static --tokens 2 --repetitions 1 --json"), .. OnDevice("cuda")]);

        Assert.Equal("cuda:0", Device(report));
        Assert.Equal(JsonValueKind.Null, report.GetProperty("limits").ValueKind);
    }

    [Theory]
    [InlineData("generate --prompt abc")]
    [InlineData("eval")]
    [InlineData("eval --sweep")]
    [InlineData("calibrate --out c.json")]
    [InlineData("profile")]
    [InlineData("compare")]
    public async Task Run_WhenTheDeviceIsNotUsable_IsOneLineThatSaysWhy(string command)
    {
        SimulatedDriver.Reset("devices=0");

        ToolRun run = await ToolRun.Of([.. Command(command), .. OnDevice("cuda")]);

        Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
        Assert.Matches("^dmoe: [^\n]*unavailable, because [^\n]*\n$", run.Error);
    }

    [Theory]
    [InlineData("generate --prompt abc")]
    [InlineData("eval")]
    [InlineData("calibrate --out c.json")]
    [InlineData("profile")]
    [InlineData("compare")]
    public async Task Run_WhenTheOptionIsNoDevice_IsAUsageError(string command)
    {
        ToolRun run = await ToolRun.Of([.. Command(command), "--device", "gpu"]);

        run.RequireFailure(ExitCodes.Usage, "--device 'gpu' is not cpu, cuda or cuda:N (see dmoe --help)");
    }

    private static long Runs() => SimulatedDriver.Calls("cuLaunchKernel") + SimulatedDriver.Calls("cuGraphLaunch");

    // A space that is part of an argument is written as a no-break space.
    private static string[] Words(string command) => [.. command.Split(' ').Select(word => word.Replace('\u00a0', ' '))];

    private static string[] OnDevice(string device) => ["--device", device, "--cuda-driver", SimulatedDriver.File];

    private string[] Command(string command)
    {
        string[] words = Words(command);
        return words[0] == "generate" ? [.. words, "--model", _checkpoint.ModelPath] : [.. words, "--model", _checkpoint.ModelPath, "--text", _checkpoint.TextPath];
    }

    private static async Task<JsonElement> JsonAsync(string[] arguments)
    {
        ToolRun run = await ToolRun.Of(arguments);
        run.RequireSuccess();
        using JsonDocument json = JsonDocument.Parse(run.Out);
        return json.RootElement.Clone();
    }

    private static string? Device(JsonElement report) => report.GetProperty("machine").GetProperty("device").GetString();

    private static double Number(JsonElement row, string name) => row.GetProperty(name).GetDouble();
}
