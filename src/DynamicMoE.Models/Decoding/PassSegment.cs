namespace DynamicMoE.Models;

/// <summary>Consecutive rows of a chunk that belong to one sequence.</summary>
/// <param name="Session">The sequence.</param>
/// <param name="Step">Its index in the pass.</param>
/// <param name="Row">First row in the chunk.</param>
/// <param name="Count">Rows.</param>
/// <param name="Done">Rows of the step in the chunks before.</param>
internal readonly record struct PassSegment(MoESession Session, int Step, int Row, int Count, int Done)
{
    /// <summary>Position of the first row.</summary>
    public int Position => Session.Position + Done;

    /// <summary>Ids of the rows.</summary>
    public ReadOnlySpan<int> Tokens => Session.History.Slice(Position, Count);
}
