using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.Peers;

/// <summary>
/// Random tokens and their exact outputs. A token whose last chosen and first left-out expert are nearer than the format's rounding of logits
/// is drawn again: every implementation then has the same routes, and so the same work.
/// </summary>
internal sealed class TokenPool
{
    private readonly LayerWeights _weights;
    private readonly float[] _tokens;
    private readonly ReferenceRoutes[] _routes;
    private readonly Dictionary<int, double[]> _outputs = [];

    public TokenPool(LayerWeights weights, int count)
    {
        _weights = weights;
        _tokens = new float[count * weights.Shape.Hidden];
        _routes = new ReferenceRoutes[count];
        var random = new SeededRandom(~weights.Seed);
        for (int token = 0; token < count; token++)
        {
            _routes[token] = Draw(random, Row(token));
        }
    }

    /// <summary>A copy of consecutive tokens, <c>[count, hidden]</c>.</summary>
    public float[] Rows(int first, int count) => _tokens.AsSpan(first * _weights.Shape.Hidden, count * _weights.Shape.Hidden).ToArray();

    /// <summary>Distinct experts of consecutive tokens.</summary>
    public int DistinctExperts(int first, int count) => _routes.Skip(first).Take(count).SelectMany(routes => routes.Ids[0]).Distinct().Count();

    /// <summary>The layer's output for a token in double precision; computed once.</summary>
    public double[] Reference(int token)
    {
        if (!_outputs.TryGetValue(token, out double[]? output))
        {
            var layer = new ReferenceLayer { Experts = _weights, Bf16 = _weights.Format == WeightFormat.BFloat16 };
            output = ReferenceMoE.Forward(layer, Row(token), _routes[token]).Values;
            _outputs.Add(token, output);
        }

        return output;
    }

    private Span<float> Row(int token) => _tokens.AsSpan(token * _weights.Shape.Hidden, _weights.Shape.Hidden);

    private ReferenceRoutes Draw(SeededRandom random, Span<float> row)
    {
        LayerShape shape = _weights.Shape;
        int k = shape.ExpertsPerToken;
        var gate = new GateRules { Experts = shape.Experts, TrainedExperts = k };
        var rules = new RouteRules { MinExperts = k, MaxExperts = k };
        while (true)
        {
            LayerWeights.Rounded(random.Gaussian(shape.Hidden), _weights.Format).CopyTo(row);
            ReferenceRoutes routes = ReferenceRouter.Route(row, _weights.Gate, null, gate, rules);
            double error = Formats.LogitError(_weights.Format) * routes.Logits.Max(Math.Abs);
            if (routes.Gaps[0][k] - routes.Gaps[0][k - 1] > 2 * error)
            {
                return routes;
            }
        }
    }
}
