namespace DynamicMoE;

/// <summary>How load balancing acts on experts that are used more than others.</summary>
public enum LoadBalancingMode
{
    /// <summary>A bounded bias on probabilities, for choosing only: after every 4 routes per usable expert an expert above the mean loses BalanceStep, one
    /// below gains it, within +-BalanceBound. Load evens out, weights stay the model's own.</summary>
    SelectionBias = 0,

    /// <summary>
    /// Weights of overused experts are multiplied by 1 - WeightPenalty, then the token's weights are scaled back to their former sum. Overused: the running
    /// share of routes is above m + max(s, m / 10), m and s being mean and standard deviation over the usable experts. Choices do not change, so that load
    /// does not even out; the mode is there for parity with the Python router. Router and experts are two native calls instead of one.
    /// </summary>
    WeightPenalty = 1,
}
