using static TorchSharp.torch;

namespace TinyMoE.Training;

/// <summary>What the probabilities of the chosen experts are divided by.</summary>
internal enum WeightRule
{
    /// <summary>Their own sum.</summary>
    Renormalize,

    /// <summary>The sum over the experts that the trained rule would choose.</summary>
    TrainedScale,
}

internal readonly record struct RoutingRule(int ExpertsPerToken, WeightRule Weights);

/// <summary>What the router of one layer saw: logits and probabilities <c>[tokens, experts]</c>, and the number of routes to each expert.</summary>
internal sealed record RouterTrace(Tensor Logits, Tensor Probabilities, long[] RoutesPerExpert)
{
    /// <summary>Switch's balance loss, E * sum(share of routes * mean probability): 1 when both are even.</summary>
    public Tensor BalanceLoss()
    {
        var shares = tensor(RoutesPerExpert.Select(count => (float)count / RoutesPerExpert.Sum()).ToArray());
        return (shares * Probabilities.mean([0L])).sum() * RoutesPerExpert.Length;
    }
}
