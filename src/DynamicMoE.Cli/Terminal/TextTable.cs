using Spectre.Console;

namespace DynamicMoE.Cli.Terminal;

/// <summary>A table with a left-aligned first column and right-aligned numbers: ruled on a terminal, columns of plain text otherwise.</summary>
/// <param name="headers">Column names; a line feed breaks one where it is to fit into 80 columns, and counts as a space except before a slash.</param>
internal sealed class TextTable(params string[] headers)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row with as many cells as there are headers.</summary>
    public void Add(params string[] cells)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(cells.Length, headers.Length);
        _rows.Add(cells);
    }

    /// <summary>Writes it.</summary>
    public void WriteTo(ToolConsole console)
    {
        if (console.IsTerminal)
        {
            WriteRuled(console.Out);
        }
        else
        {
            WritePlain(console.Out);
        }
    }

    private void WriteRuled(TextWriter writer)
    {
        var table = new Table { Border = TableBorder.Horizontal };
        for (int c = 0; c < headers.Length; c++)
        {
            TableColumn column = new TableColumn(Markup.Escape(headers[c])).NoWrap();
            column.Padding = new Padding(0, 0, c == headers.Length - 1 ? 0 : 1, 0);
            table.AddColumn(c == 0 ? column.LeftAligned() : column.RightAligned());
        }

        foreach (string[] row in _rows)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }

        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) }).Write(table);
    }

    private void WritePlain(TextWriter writer)
    {
        string[] names = [.. headers.Select(header => header.Replace("\n/", "/", StringComparison.Ordinal).Replace('\n', ' '))];
        int[] widths = [.. names.Select((name, c) => _rows.Select(row => row[c].Length).Append(name.Length).Max())];
        foreach (string[] row in _rows.Prepend(names))
        {
            writer.WriteLine(string.Join("  ", row.Select((cell, c) => c == 0 ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))).TrimEnd());
        }
    }
}
