using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DynamicMoE.Peers;
using TorchLoading;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
TorchRuntime.Prepare();

string[] shapeNames = [.. LayerShape.All.Select(shape => shape.Name)];
var shapes = new Option<string[]>("--shape") { Description = "Layer sizes", DefaultValueFactory = _ => shapeNames, AllowMultipleArgumentsPerToken = true };
shapes.AcceptOnlyFromAmong(shapeNames);
string[] formatNames = [.. Formats.ByName.Keys];
var formats = new Option<string[]>("--format") { Description = "Formats of the weights", DefaultValueFactory = _ => formatNames, AllowMultipleArgumentsPerToken = true };
formats.AcceptOnlyFromAmong(formatNames);
Option<int[]> tokens = Numbers("--tokens", "Tokens of a batch", 4096, 1, 8, 64, 512);
Option<int[]> threads = Numbers("--threads", "Threads of each implementation", Environment.ProcessorCount, 1);
var repetitions = new Option<int>("--repetitions") { Description = "Repetitions that each median is taken of", DefaultValueFactory = _ => 11 };
Limit(repetitions, 1000);
var seed = new Option<ulong>("--seed") { Description = "Seed of weights and tokens", DefaultValueFactory = _ => 1 };
var json = new Option<bool>("--json") { Description = "Writes JSON instead of a table" };

var root = new RootCommand("Times the layer beside other implementations of it") { shapes, formats, tokens, threads, repetitions, seed, json };
root.SetAction(parsed =>
{
    double? load = Machine.Load();
    var grid = new Grid(
        [.. parsed.GetValue(shapes)!.Select(LayerShape.Named)],
        [.. parsed.GetValue(formats)!.Select(name => Formats.ByName[name])],
        parsed.GetValue(threads)!,
        parsed.GetValue(tokens)!,
        parsed.GetValue(repetitions),
        parsed.GetValue(seed));
    var cells = new List<CellResult>();
    TextWriter table = parsed.GetValue(json) ? TextWriter.Null : Console.Out;
    table.WriteLine(ResultTable.Header);
    foreach (CellResult cell in grid.Run())
    {
        cells.Add(cell);
        foreach (string line in ResultTable.Lines(cell))
        {
            table.WriteLine(line);
        }
    }

    var report = new PeersReport(Machine.Describe(load), grid.Repetitions, grid.Seed, cells);
    table.WriteLine($"{report.Machine.Cpu}, {report.Machine.LogicalCpus} logical CPUs, {report.Machine.Isa}; TorchSharp {report.Machine.Torchsharp}; "
        + $"load {report.Machine.LoadBefore} before, {report.Machine.LoadAfter} after; {report.Repetitions} repetitions, seed {report.Seed}");
    if (parsed.GetValue(json))
    {
        Console.WriteLine(JsonSerializer.Serialize(report, new JsonSerializerOptions
        {
            WriteIndented = true,
            NewLine = "\n",
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        }));
    }
});
return root.Parse(args).Invoke();

static Option<int[]> Numbers(string name, string description, int largest, params int[] defaults)
{
    var option = new Option<int[]>(name) { Description = description, DefaultValueFactory = _ => defaults, AllowMultipleArgumentsPerToken = true };
    Limit(option, largest);
    return option;
}

static void Limit(Option option, int largest) => option.Validators.Add(result =>
{
    if (result.Tokens.Any(token => !int.TryParse(token.Value, out int value) || value < 1 || value > largest))
    {
        result.AddError($"{option.Name} takes numbers from 1 to {largest}.");
    }
});
