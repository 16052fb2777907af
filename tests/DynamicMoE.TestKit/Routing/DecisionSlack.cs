namespace DynamicMoE.TestKit.Routing;

/// <summary>Collects how near a token's decisions came to their boundaries, in units of logits.</summary>
internal sealed class DecisionSlack
{
    private const double U = 1.0 / (1 << 24);

    /// <summary>Smallest distance so far.</summary>
    public double Smallest { get; private set; } = double.PositiveInfinity;

    /// <summary>Two numbers that are compared as they are: the float decision on the same floats is exact.</summary>
    public void Compare(double a, double b) => Take(Math.Abs(a - b));

    /// <summary>A float difference of logits against a float logarithm.</summary>
    public void Threshold(double gap, double limit, double magnitude)
    {
        if (!double.IsInfinity(limit))
        {
            Take(Math.Abs(gap - limit) - (8 * U * (magnitude + Math.Abs(limit))));
        }
    }

    /// <summary>Values made of probabilities; they move by at most as much as the logits and carry a few roundings at 1.</summary>
    public void Probability(double a, double b, double magnitude = 1) => Take(Math.Abs(a - b) - (64 * U * Math.Max(1, magnitude)));

    /// <summary>A count before rounding: its distance from the next half, per unit of score, a score moving at most twice as much as logits.</summary>
    public void Rounding(double value, double range, bool exactScore)
    {
        double distance = Math.Abs(value - Math.Floor(value) - 0.5);
        if (exactScore && distance == 0)
        {
            return;
        }

        Take((distance - (16 * U * Math.Max(1, Math.Abs(value)))) / Math.Max(1, 2 * range));
    }

    private void Take(double distance) => Smallest = Math.Min(Smallest, distance);
}
