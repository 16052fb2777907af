namespace DynamicMoE.Hosting.Queueing;

/// <summary>From the high-water mark to a full queue the mean experts per token fall step by step from the budget to the fewest.</summary>
/// <param name="highWater">Share of the queue at which the first step is taken, above 0, at most 1.</param>
/// <param name="steps">Steps; 0: none.</param>
internal sealed class OverloadLadder(double highWater, int steps)
{
    /// <summary>The step in force; 0: none.</summary>
    public int Level { get; private set; }

    /// <summary>Follows the queue. A step up is taken at once; one down only where the queue is half a step below it, so that it is not taken again by the next request.</summary>
    /// <param name="fill">Share of the queue that is taken, 0..1.</param>
    /// <returns>Whether the level changed.</returns>
    public bool Follow(double fill)
    {
        if (steps == 0)
        {
            return false;
        }

        double width = (1 - highWater) / steps;
        int up = LevelAt(fill, width), down = LevelAt(fill + (width > 0 ? width / 2 : 0.05 * highWater), width);
        int before = Level;
        Level = up > Level ? up : Math.Min(Level, down);
        return Level != before;
    }

    /// <summary>The ceiling of a step; null: none.</summary>
    /// <param name="level">The step.</param>
    /// <param name="budget">Mean experts per token without overload.</param>
    /// <param name="least">Fewest experts per token.</param>
    public double? Ceiling(int level, double budget, int least) => level == 0 ? null : budget - ((budget - least) * level / steps);

    private int LevelAt(double fill, double width)
    {
        if (fill < highWater)
        {
            return 0;
        }

        return width <= 0 ? steps : Math.Clamp(1 + (int)((fill - highWater) / width), 1, steps);
    }
}
