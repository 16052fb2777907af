namespace DynamicMoE.Hosting;

/// <summary>UpdateThresholds for what is served: a score below its running mean asks for more experts, one above it for fewer.</summary>
internal sealed class Feedback(RouterSettings settings)
{
    private readonly Lock _lock = new();
    private double _mean = double.NaN;
    private double _offset;

    /// <returns>What is added to the budget, experts per token.</returns>
    /// <exception cref="RoutingValidationException">The score is outside 0..1, or there is no budget.</exception>
    public double Give(double score, BudgetArbiter? arbiter)
    {
        if (score is not (>= 0 and <= 1))
        {
            throw new RoutingValidationException(FormattableString.Invariant($"performance_score is {score}, between 0 and 1 is needed."));
        }

        if (arbiter is null)
        {
            throw new RoutingValidationException("performance_score moves a budget, and what is served has none.");
        }

        lock (_lock)
        {
            if (arbiter.Frozen)
            {
                return _offset;
            }

            double mean = double.IsNaN(_mean) ? score : _mean, range = arbiter.MaxExperts - arbiter.MinExperts;
            _offset = Math.Clamp(_offset + (settings.AdaptationRate * (mean - score)), -range, range);
            _mean = mean + (settings.PerformanceSmoothing * (score - mean));
            arbiter.ProposeAdaptation(_offset);
            return _offset;
        }
    }

    /// <summary>Another model: nothing is known about it.</summary>
    public void Reset()
    {
        lock (_lock)
        {
            (_mean, _offset) = (double.NaN, 0);
        }
    }
}
