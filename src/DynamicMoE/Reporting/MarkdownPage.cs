using System.Globalization;
using System.Text;

namespace DynamicMoE;

/// <summary>Builds a page in Markdown. Lines end with LF.</summary>
internal sealed class MarkdownPage
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds a line.</summary>
    internal MarkdownPage Line(string text = "")
    {
        _text.Append(text).Append('\n');
        return this;
    }

    /// <summary>Adds the head of a table; the first column is aligned left, the others right.</summary>
    internal MarkdownPage Header(params string[] names) => Row(names).Row([.. names.Select((_, i) => i == 0 ? "---" : "---:")]);

    /// <summary>Adds a row of a table.</summary>
    internal MarkdownPage Row(params string[] cells) =>
        Line($"| {string.Join(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal)))} |");

    /// <summary>The page, with one line feed at its end.</summary>
    public override string ToString() => _text.ToString().TrimEnd('\n') + "\n";

    /// <summary>Four significant digits, without exponent from 1000 to 10^15; "-" where there is no number.</summary>
    internal static string Number(double? value) => value is not { } number ? "-"
        : Math.Abs(number) is >= 1000 and < 1e15 ? number.ToString("#,0", CultureInfo.InvariantCulture)
        : number.ToString("G4", CultureInfo.InvariantCulture);

    /// <summary>A share in percent with one digit; "-" where there is none.</summary>
    internal static string Percent(double? share) =>
        share is { } value ? (100 * value).ToString("0.0", CultureInfo.InvariantCulture) + " %" : "-";

    /// <summary>A value and its interval in brackets.</summary>
    internal static string WithInterval(double value, double? low, double? high) =>
        low is null || high is null ? Number(value) : $"{Number(value)} [{Number(low)}, {Number(high)}]";
}
