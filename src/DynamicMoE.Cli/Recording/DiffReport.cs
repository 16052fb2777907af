using System.Globalization;
using DynamicMoE.Cli.Diagnosis;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Recording;

/// <summary>Where two recorded runs part, as the tool tells it.</summary>
internal sealed record DiffReport
{
    /// <summary>Whether tokens and decisions are the same, bit for bit.</summary>
    public required bool Identical { get; init; }

    /// <summary>Tokens that were compared.</summary>
    public required long Tokens { get; init; }

    /// <summary>Tokens of the first run that were not.</summary>
    public required long TokensOnlyInFirst { get; init; }

    /// <summary>Tokens of the second run that were not.</summary>
    public required long TokensOnlyInSecond { get; init; }

    /// <summary>The first run.</summary>
    public required DiffRun First { get; init; }

    /// <summary>The second run.</summary>
    public required DiffRun Second { get; init; }

    /// <summary>Where the inputs part, or null.</summary>
    public required InputDivergence? Input { get; init; }

    /// <summary>First token and layer with other experts, or null.</summary>
    public required RoutingDivergence? FirstExperts { get; init; }

    /// <summary>First token and layer with the same experts and other weights, or null.</summary>
    public required RoutingDivergence? FirstWeights { get; init; }

    /// <summary>Counts per layer.</summary>
    public required IReadOnlyList<LayerDivergence> Layers { get; init; }

    /// <summary>Makes a report.</summary>
    public static DiffReport Of(RoutingDiffReport report, string first, string second) => new()
    {
        Identical = report.Identical,
        Tokens = report.Tokens,
        TokensOnlyInFirst = report.TokensOnlyInFirst,
        TokensOnlyInSecond = report.TokensOnlyInSecond,
        First = DiffRun.Of(report.First, first),
        Second = DiffRun.Of(report.Second, second),
        Input = report.Input,
        FirstExperts = report.FirstExperts,
        FirstWeights = report.FirstWeights,
        Layers = report.Layers,
    };

    /// <summary>Writes it for people.</summary>
    public void WriteTo(ToolConsole console)
    {
        First.WriteTo(console);
        Second.WriteTo(console);
        console.Out.WriteLine(Text($"{Tokens} tokens compared; {TokensOnlyInFirst} only in the first run, {TokensOnlyInSecond} only in the second"));
        if (Identical)
        {
            console.Out.WriteLine("the runs are the same, bit for bit");
            return;
        }

        if (Input is { } input)
        {
            console.Out.WriteLine(Text(
                $"inputs part at token {input.Token}: id {input.FirstTokenId} at position {input.FirstPosition}, id {input.SecondTokenId} at position {input.SecondPosition}"));
        }

        Write(console, "experts", FirstExperts);
        Write(console, "weights", FirstWeights);
        console.Out.WriteLine();
        var table = new TextTable("layer", "other\nexperts", "other\nweights", "largest\ndifference", "experts/token\nfirst", "experts/token\nsecond");
        foreach (LayerDivergence layer in Layers)
        {
            table.Add(
                Text($"{layer.Layer}"),
                Text($"{layer.ExpertsDiffer}"),
                Text($"{layer.WeightsDiffer}"),
                Text($"{layer.LargestWeightDifference:G3}"),
                Text($"{(double)layer.FirstRoutes / Math.Max(1, Tokens):F3}"),
                Text($"{(double)layer.SecondRoutes / Math.Max(1, Tokens):F3}"));
        }

        table.WriteTo(console);
    }

    private static void Write(ToolConsole console, string what, RoutingDivergence? at)
    {
        if (at is not null)
        {
            console.Out.WriteLine(Text(
                $"{what} part at token {at.Token} (position {at.Position}, id {at.TokenId}) in layer {at.Layer}: {Routes(at.FirstExperts, at.FirstWeights)} / {Routes(at.SecondExperts, at.SecondWeights)}"));
        }
    }

    private static string Routes(IReadOnlyList<int> experts, IReadOnlyList<float> weights) =>
        experts.Count == 0 ? "none" : string.Join(", ", experts.Select((expert, i) => Text($"{expert} ({weights[i]:G9})")));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What a recorded run belongs to.</summary>
internal sealed record DiffRun
{
    /// <summary>Path of the record.</summary>
    public required string File { get; init; }

    /// <summary>Hash of the model.</summary>
    public required string ModelHash { get; init; }

    /// <summary>Weight format.</summary>
    public required string Format { get; init; }

    /// <summary>Instruction-set level.</summary>
    public required string Isa { get; init; }

    /// <summary>Vendor of the processor.</summary>
    public required string CpuVendor { get; init; }

    /// <summary>Makes a description.</summary>
    public static DiffRun Of(RoutingRecordHeader header, string file) => new()
    {
        File = file,
        ModelHash = header.Model.ToString(),
        Format = WeightFormats.Name(header.Format),
        Isa = Doctor.IsaName(header.Isa),
        CpuVendor = header.CpuVendor,
    };

    /// <summary>Writes it for people.</summary>
    public void WriteTo(ToolConsole console) => console.Out.WriteLine($"{File}: model {ModelHash}, {Format} on {Isa}, {CpuVendor}");
}
