using System.CommandLine;
using DynamicMoE.Cli.Benchmarking;
using DynamicMoE.Cli.Benchmarking.Cuda;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe bench</c>: its own <c>layer</c>, time of one layer beside what the machine allows and beside other implementations, and the benchmarks of routing.</summary>
internal static class BenchCommand
{
    private const int Repetitions = 11;

    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console) => new("bench", "Measures speed on this machine.")
    {
        Layer(console),
        CudaModelCommand.Create(console),
        RoutingBenchCommand.Latency(console),
        RoutingBenchCommand.Throughput(console),
        RoutingBenchCommand.Scaling(console),
    };

    private static Command Layer(ToolConsole console)
    {
        Option<string> shape = Choice("--shape", "Size of the layer (hidden / width / experts / experts per token): " + Shapes(), "O", LayerShape.All.Select(s => s.Name));
        Option<int> tokens = NumberOptions.Whole("--tokens", "Tokens of a batch.", 1, 4096, 1);
        Option<string> format = Choice("--format", "Format of the weights.", "f32", WeightFormats.Names);
        Option<int> threads = NumberOptions.Whole("--threads", "Threads of a call; 0 = chosen from cores and cgroup quota.", 0, Environment.ProcessorCount, 0);
        Option<int> seed = NumberOptions.Whole("--seed", "Seed of weights and tokens.", 0, int.MaxValue, 1);
        var peers = new Option<bool>("--peers") { Description = "Also time other implementations, with the DynamicMoE.Peers program of the repository." };
        var peersPath = new Option<string?>("--peers-path") { Description = "File of that program. Default: the one built in the repository that holds the tool.", HelpName = "FILE" };
        Option<ComputeDevice> device = CudaOptions.Device("the layer computes");
        Option<string?> driver = CudaOptions.Driver();
        Option<bool> json = SharedOptions.Json();
        var command = new Command("layer", "Times one layer of random SwiGLU experts and compares with the machine's limits.")
        {
            shape, tokens, format, threads, seed, device, driver, peers, peersPath, json,
        };
        var numbers = new ShapeOptions(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(peersPath) is not null && !result.GetValue(peers))
            {
                result.AddError("--peers-path needs --peers");
            }

            if (result.GetValue(peers) && result.GetValue(device) != ComputeDevice.Cpu)
            {
                result.AddError("--peers run on the processor: not with --device cuda");
            }
        });
        command.SetAction((parsed, cancel) => Task.Run(
            () => parsed.GetValue(device) != ComputeDevice.Cpu
                ? OnDeviceAsync(console, Request(parsed), parsed.GetValue(device), parsed.GetValue(driver), parsed.GetValue(json))
                : RunAsync(console, Request(parsed), parsed.GetValue(peers), parsed.GetValue(peersPath), parsed.GetValue(json), cancel), cancel));
        return command;

        LayerRequest Request(ParseResult parsed)
        {
            LayerShape asked = numbers.Apply(parsed, LayerShape.Named(parsed.GetValue(shape)!));
            int count = parsed.GetValue(tokens), most = parsed.GetValue(threads);
            return asked.Problem(count) is { } problem
                ? throw new ToolException(problem)
                : new LayerRequest(
                    asked,
                    LayerFormats.Named(parsed.GetValue(format)!),
                    count,
                    most == 0 ? RuntimeInfo.Query().PoolThreads : most,
                    Repetitions,
                    (ulong)parsed.GetValue(seed));
        }
    }

    private static async Task<int> OnDeviceAsync(ToolConsole console, LayerRequest request, ComputeDevice device, string? driver, bool json)
    {
        CudaOptions.Use(driver);
        CudaCell cell = await CudaBench.RunAsync(request, device).ConfigureAwait(false);
        if (json)
        {
            ToolJson.Write(console, cell);
        }
        else
        {
            CudaTable.Write(console, cell);
        }

        return ExitCodes.Ok;
    }

    private static string Shapes() => string.Join(", ", LayerShape.All.Select(shape => $"{shape.Name} {shape.Numbers}")) + ".";

    private static Option<string> Choice(string name, string description, string value, IEnumerable<string> values)
    {
        string[] allowed = [.. values];
        return new Option<string>(name)
        {
            Description = description,
            HelpName = string.Join('|', allowed),
            DefaultValueFactory = _ => value,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (allowed.Contains(text))
                {
                    return text;
                }

                result.AddError($"{name} '{text}' is not one of {string.Join(", ", allowed)}");
                return value;
            },
        };
    }

    private static async Task<int> RunAsync(
        ToolConsole console, LayerRequest request, bool peers, string? peersPath, bool json, CancellationToken cancel)
    {
        LayerCell cell = peers
            ? await PeersProgram.RunAsync(PeersProgram.Find(peersPath, AppContext.BaseDirectory), request, cancel).ConfigureAwait(false)
            : LayerBench.Run(request, threads => LayerLimits.Measure(threads));
        if (json)
        {
            ToolJson.Write(console, cell);
        }
        else
        {
            LayerTable.Write(console, cell);
        }

        return ExitCodes.Ok;
    }
}
