using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Numerics;
using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.Peers.Checks;

/// <summary>Exact outputs of the checked tokens, in double precision; built up while the experts are drawn, each of which is there only once.</summary>
internal sealed class ReferenceOutputs
{
    private readonly LayerWeights _weights;
    private readonly double[][] _tokens;
    private readonly ReferenceRoutes[] _routes;
    private readonly double[][] _outputs;

    public ReferenceOutputs(LayerWeights weights, TokenPool pool)
    {
        _weights = weights;
        LayerShape shape = weights.Shape;
        var gate = new GateRules { Experts = shape.Experts, TrainedExperts = shape.ExpertsPerToken };
        var rules = new RouteRules { MinExperts = shape.ExpertsPerToken, MaxExperts = shape.ExpertsPerToken };
        _routes = [.. Enumerable.Range(0, TokenPool.Checked).Select(token => ReferenceRouter.Route(pool.Row(token), weights.Router, null, gate, rules))];
        _tokens = [.. Enumerable.Range(0, TokenPool.Checked).Select(token => pool.Row(token).ToArray().Select(value => (double)value).ToArray())];
        _outputs = [.. _tokens.Select(token => new double[token.Length])];
    }

    /// <summary>Adds what one expert contributes.</summary>
    public void AddExpert(int index, ExpertMatrices matrices)
    {
        LayerShape shape = _weights.Shape;
        var expert = new ReferenceExpert
        {
            Kind = ReferenceExpertKind.SwiGlu,
            Hidden = shape.Hidden,
            Width = shape.Width,
            Gate = matrices.Gate.Values,
            Up = matrices.Up.Values,
            Down = matrices.Down.Values,
        };

        // The values of q8 and q4 matrices are what is stored already.
        ReferenceFormat format = _weights.Format == WeightFormat.BFloat16 ? ReferenceFormat.Bf16 : ReferenceFormat.F32;
        Parallel.For(0, _tokens.Length, token =>
        {
            int slot = Array.IndexOf(_routes[token].Ids[0], index);
            if (slot >= 0)
            {
                double[] output = expert.Forward(_tokens[token], format).Output;
                double weight = _routes[token].Weights[0][slot];
                for (int d = 0; d < output.Length; d++)
                {
                    _outputs[token][d] += weight * output[d];
                }
            }
        });
    }

    /// <summary>|y - reference| / |reference| of a token's output.</summary>
    public double RelativeError(int token, ReadOnlySpan<float> actual)
    {
        double error = 0, norm = 0;
        for (int d = 0; d < actual.Length; d++)
        {
            double expected = _outputs[token][d];
            error += (actual[d] - expected) * (actual[d] - expected);
            norm += expected * expected;
        }

        return Math.Sqrt(error / norm);
    }
}
