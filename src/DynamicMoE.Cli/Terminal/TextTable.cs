using Spectre.Console;

namespace DynamicMoE.Cli.Terminal;

/// <summary>A table with a left-aligned first column and right-aligned numbers: framed on a terminal, columns of plain text otherwise.</summary>
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
            WriteFramed(console.Out);
        }
        else
        {
            WritePlain(console.Out);
        }
    }

    private void WriteFramed(TextWriter writer)
    {
        var table = new Table { Border = TableBorder.Rounded };
        for (int c = 0; c < headers.Length; c++)
        {
            var column = new TableColumn(Markup.Escape(headers[c]));
            table.AddColumn(c == 0 ? column.LeftAligned().NoWrap() : column.RightAligned());
        }

        foreach (string[] row in _rows)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }

        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) }).Write(table);
    }

    private void WritePlain(TextWriter writer)
    {
        int[] widths = [.. headers.Select((header, c) => _rows.Select(row => row[c].Length).Append(header.Length).Max())];
        foreach (string[] row in _rows.Prepend(headers))
        {
            writer.WriteLine(string.Join("  ", row.Select((cell, c) => c == 0 ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))).TrimEnd());
        }
    }
}
