using System.CommandLine;
using System.CommandLine.Parsing;
using DynamicMoE.Cli.Commands;
using DynamicMoE.Cli.Models;

namespace DynamicMoE.Peers;

/// <summary>The command line.</summary>
internal sealed class PeersOptions
{
    private const int MostTokens = 4096, MostRepetitions = 1000, MostSeconds = 3600, MostAttempts = 10;

    private readonly ShapeOptions _numbers;

    public PeersOptions()
    {
        string[] shapes = [.. LayerShape.All.Select(shape => shape.Name)];
        string[] formats = [.. WeightFormats.Names];
        Shape = Names("--shape", "Layer sizes: S, M, O, Q, X. Default: all, M with --dynamic, O with numbers of another shape.", shapes);
        Format = Names("--format", "Formats of the weights: f32, bf16, q8, q4. Default: all.", formats);
        Tokens = Numbers("--tokens", "Tokens of a batch.", MostTokens, 1, 8, 64, 512);
        Threads = Numbers("--threads", "Threads of each implementation.", Environment.ProcessorCount, [.. new[] { 1, 2 }.Where(n => n <= Environment.ProcessorCount)]);
        Command = new RootCommand("Times the layer beside other implementations of it and beside the machine's limits.")
        {
            Shape, Format, Tokens, Threads, Repetitions, Seconds, Attempts, Seed, Out, Json, Overhead, Dynamic, Report, From,
        };
        _numbers = new ShapeOptions(Command);
        Command.Validators.Add(Check);
    }

    public RootCommand Command { get; }

    public Option<string[]> Shape { get; }

    public Option<string[]> Format { get; }

    public Option<int[]> Tokens { get; }

    public Option<int[]> Threads { get; }

    public Option<int> Repetitions { get; } =
        NumberOptions.Whole("--repetitions", "Repetitions that each median is taken of, at most.", 1, MostRepetitions, 11);

    public Option<int> Seconds { get; } =
        NumberOptions.Whole("--seconds", "Time for the repetitions of a cell; below it there are fewer of them, 5 at least.", 1, MostSeconds, 8);

    public Option<int> Attempts { get; } = NumberOptions.Whole(
        "--attempts", "Times that a cell is measured, at most, while the machine's limits before and after it differ by more than 5 %.", 1, MostAttempts, 3);

    public Option<int> Seed { get; } = NumberOptions.Whole("--seed", "Seed of weights and tokens.", 0, int.MaxValue, 1);

    public Option<string?> Out { get; } = new("--out") { Description = "Adds each result to this file as soon as it is measured.", HelpName = "FILE.json" };

    public Option<bool> Json { get; } = new("--json") { Description = "Writes JSON instead of a table." };

    public Option<bool> Overhead { get; } = new("--overhead") { Description = "Measures what is not expert work: at 512 tokens, and routing of one token on O." };

    public Option<bool> Dynamic { get; } = new("--dynamic") { Description = "Measures 1.5 experts per token on average beside 2, at 512 tokens and at one." };

    public Option<string?> Report { get; } = new("--report") { Description = "Writes tables, JSON and plots of --from into this folder; measures nothing.", HelpName = "DIR" };

    public Option<string?> From { get; } = new("--from") { Description = "Results that --report shows.", HelpName = "FILE.json" };

    /// <summary>What is asked for.</summary>
    /// <exception cref="InvalidDataException">No shape and format is left, or a shape cannot be measured.</exception>
    public IReadOnlyList<(LayerShape Shape, WeightFormat Format)> Layers(ParseResult parsed)
    {
        string[] shapes = parsed.GetValue(Shape) is { Length: > 0 } named ? named : DefaultShapes(parsed);
        string[] formats = parsed.GetValue(Format) is { Length: > 0 } chosen ? chosen : [.. WeightFormats.Names];
        (LayerShape Shape, WeightFormat Format)[] layers =
        [
            .. from name in shapes
               from format in formats
               let layer = (Shape: _numbers.Apply(parsed, LayerShape.Named(name)), Format: LayerFormats.Named(format))
               where !IsTooLarge(layer.Shape, layer.Format)
               select layer,
        ];
        if (layers.Length == 0)
        {
            throw new InvalidDataException("Shape X is not measured in f32: 5.6 GB for each implementation.");
        }

        foreach ((LayerShape shape, _) in layers)
        {
            if (shape.Problem(parsed.GetValue(Tokens)!.Max()) is { } problem)
            {
                throw new InvalidDataException(problem);
            }
        }

        return layers;
    }

    private static bool IsTooLarge(LayerShape shape, WeightFormat format) => shape.Name == "X" && format == WeightFormat.Float32;

    private string[] DefaultShapes(ParseResult parsed) =>
        _numbers.AnyIn(parsed) ? ["O"] : parsed.GetValue(Dynamic) ? ["M"] : [.. LayerShape.All.Select(shape => shape.Name)];

    private void Check(CommandResult result)
    {
        if (new[] { Overhead, Dynamic }.Count(result.GetValue) + (result.GetValue(Report) is null ? 0 : 1) > 1)
        {
            result.AddError("--overhead, --dynamic and --report exclude one another.");
        }

        if (result.GetValue(Report) is null != result.GetValue(From) is null)
        {
            result.AddError("--report and --from need each other.");
        }
    }

    private static Option<string[]> Names(string name, string description, string[] allowed)
    {
        var option = new Option<string[]>(name) { Description = description, AllowMultipleArgumentsPerToken = true };
        option.AcceptOnlyFromAmong(allowed);
        return option;
    }

    private static Option<int[]> Numbers(string name, string description, int largest, params int[] defaults)
    {
        var option = new Option<int[]>(name)
        {
            Description = $"{description} 1..{largest} each.", DefaultValueFactory = _ => defaults, AllowMultipleArgumentsPerToken = true,
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => !int.TryParse(token.Value, out int value) || value < 1 || value > largest))
            {
                result.AddError($"{name} takes numbers from 1 to {largest}.");
            }
        });
        return option;
    }
}
