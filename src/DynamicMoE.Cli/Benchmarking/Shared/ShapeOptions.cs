using System.CommandLine;
using DynamicMoE.Cli.Commands;

namespace DynamicMoE.Cli.Benchmarking;

/// <summary>Options that replace numbers of a named shape.</summary>
internal sealed class ShapeOptions
{
    private const int LargestSize = 1 << 20, MostExperts = 4096;

    /// <summary>Makes the options and adds them.</summary>
    public ShapeOptions(Command command)
    {
        foreach (Option option in new Option[] { Hidden, Width, Experts, ExpertsPerToken })
        {
            command.Add(option);
        }
    }

    public Option<int?> Hidden { get; } = NumberOptions.WholeOrNone("--hidden", "Hidden size in place of the shape's.", 1, LargestSize);

    public Option<int?> Width { get; } = NumberOptions.WholeOrNone("--width", "Inner size of an expert in place of the shape's.", 1, LargestSize);

    public Option<int?> Experts { get; } = NumberOptions.WholeOrNone("--experts", "Number of experts in place of the shape's.", 1, MostExperts);

    public Option<int?> ExpertsPerToken { get; } = NumberOptions.WholeOrNone("--k", "Experts per token in place of the shape's.", 1, MostExperts);

    /// <summary>Whether any number was given.</summary>
    public bool AnyIn(ParseResult parsed) => new[] { Hidden, Width, Experts, ExpertsPerToken }.Any(option => parsed.GetValue(option) is not null);

    /// <summary>The shape with the numbers that were given.</summary>
    public LayerShape Apply(ParseResult parsed, LayerShape shape) => shape.With(
        parsed.GetValue(Hidden), parsed.GetValue(Width), parsed.GetValue(Experts), parsed.GetValue(ExpertsPerToken));
}
