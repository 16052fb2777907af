namespace DynamicMoE.Peers.Bars;

/// <summary>A required figure and whether it was reached.</summary>
/// <param name="Number">1 limit, 2 peers, 3 overhead, 4 dynamic counts.</param>
/// <param name="Shape">Of the cell.</param>
/// <param name="Format">Of the cell.</param>
/// <param name="Threads">Of the cell.</param>
/// <param name="Tokens">Of the cell.</param>
/// <param name="Text">What is required.</param>
/// <param name="Reached">The figure: a share, a quotient or a time in microseconds, as the text says.</param>
/// <param name="Holds">Whether it is enough; never where it is void.</param>
/// <param name="Void">Whether the figure does not count, because limits or times were measured wrongly.</param>
internal sealed record Bar(
    int Number, string Shape, string Format, int Threads, int Tokens, string Text, double Reached, bool Holds, bool Void = false)
{
    /// <summary>The same figure, which does not count.</summary>
    public Bar AsVoid() => this with { Holds = false, Void = true };

    /// <summary>Whether it is about this cell.</summary>
    public bool IsOf(LayerCell cell) => (Shape, Format, Threads, Tokens) == (cell.Shape, cell.Format, cell.Threads, cell.Tokens);

    public static Bar Of(int number, LayerCell cell, string text, double reached, bool holds) =>
        new(number, cell.Shape, cell.Format, cell.Threads, cell.Tokens, text, reached, holds);
}
