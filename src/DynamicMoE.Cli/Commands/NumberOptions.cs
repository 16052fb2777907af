using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace DynamicMoE.Cli.Commands;

/// <summary>Options that take numbers in a range; a value outside is a usage error that names both.</summary>
internal static class NumberOptions
{
    /// <summary>A whole number.</summary>
    public static Option<int> Whole(string name, string description, int minimum, int maximum, int value) => new(name)
    {
        Description = $"{description} {minimum}..{maximum}.",
        HelpName = "N",
        DefaultValueFactory = _ => value,
        CustomParser = result => ParseWhole(result, result.Tokens[0].Value, name, minimum, maximum),
    };

    /// <summary>A whole number, or null when it is not given.</summary>
    public static Option<int?> WholeOrNone(string name, string description, int minimum, int maximum) => new(name)
    {
        Description = $"{description} {minimum}..{maximum}.",
        HelpName = "N",
        CustomParser = result => ParseWhole(result, result.Tokens[0].Value, name, minimum, maximum),
    };

    /// <summary>Whole numbers, separated by commas; empty when they are not given.</summary>
    public static Option<int[]> Wholes(string name, string description, int minimum, int maximum) => new(name)
    {
        Description = $"{description} {minimum}..{maximum} each, separated by commas.",
        HelpName = "N,M",
        CustomParser = result => [.. result.Tokens[0].Value.Split(',').Select(part => ParseWhole(result, part, name, minimum, maximum))],
    };

    /// <summary>A real number, or null when it is not given.</summary>
    public static Option<double?> Real(string name, string description, double minimum, double maximum) => new(name)
    {
        Description = $"{description} {Text(minimum)}..{Text(maximum)}.",
        HelpName = "X",
        CustomParser = result => ParseReal(result, result.Tokens[0].Value, name, minimum, maximum),
    };

    /// <summary>Real numbers, separated by commas.</summary>
    public static Option<double[]> Reals(string name, string description, double minimum, double maximum, double[] values) => new(name)
    {
        Description = $"{description} {Text(minimum)}..{Text(maximum)} each, separated by commas.",
        HelpName = "X,Y",
        DefaultValueFactory = _ => values,
        CustomParser = result =>
            [.. result.Tokens[0].Value.Split(',').Select(part => ParseReal(result, part, name, minimum, maximum) ?? minimum)],
    };

    /// <summary>Real numbers, separated by commas; empty when they are not given.</summary>
    public static Option<double[]> RealsOrNone(string name, string description, double minimum, double maximum) => new(name)
    {
        Description = $"{description} {Text(minimum)}..{Text(maximum)} each, separated by commas.",
        HelpName = "X,Y",
        CustomParser = result =>
            [.. result.Tokens[0].Value.Split(',').Select(part => ParseReal(result, part, name, minimum, maximum) ?? minimum)],
    };

    /// <summary>What was given for a list; null when nothing was.</summary>
    public static T[]? Given<T>(ParseResult parsed, Option<T[]> option) => parsed.GetValue(option) is { Length: > 0 } values ? values : null;

    private static int ParseWhole(ArgumentResult result, string text, string name, int minimum, int maximum)
    {
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            && value >= minimum && value <= maximum)
        {
            return value;
        }

        result.AddError($"{name} '{text}' is not a whole number in {minimum}..{maximum}");
        return minimum;
    }

    private static double? ParseReal(ArgumentResult result, string text, string name, double minimum, double maximum)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && value >= minimum && value <= maximum)
        {
            return value;
        }

        result.AddError($"{name} '{text}' is not a number in {Text(minimum)}..{Text(maximum)}");
        return null;
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
