using DynamicMoE.Cli.Benchmarking;
using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Numerics;
using DynamicMoE.TestKit.Routing;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking;

public sealed class DynamicMoELayerTests
{
    // 8-bit activations err by about 1 %, bfloat16 ones by less; a wrong scale of one block in three errs by more than 10 %.
    [Theory]
    [InlineData("f32", 1e-5)]
    [InlineData("bf16", 1e-2)]
    [InlineData("q8", 4e-2)]
    [InlineData("q4", 4e-2)]
    public void Run_WhenFormatHoldsTheWeights_ComputesTheLayerOfTheWeights(string format, double allowed)
    {
        var weights = new LayerWeights(new LayerShape("t", 70, 45, 6, 2), LayerFormats.Named(format), 3);
        var pool = new TokenPool(weights, 3);
        var batches = new TokenBatches(pool, 3);
        using var layer = new DynamicMoELayer(weights);
        var experts = new List<ReferenceExpert>();
        weights.ForEach((index, expert) =>
        {
            layer.SetExpert(index, expert);
            experts.Add(Reference(expert));
        });
        using DynamicMoERun run = layer.Prepare(batches, threads: 1);

        var output = new float[3 * 70];
        run.Run(1);
        run.CopyOutput(output);

        double[] expected = Expected(weights, experts, batches.Batch(1));
        double error = expected.Zip(output, (e, y) => (y - e) * (y - e)).Sum() / expected.Sum(e => e * e);
        Assert.InRange(Math.Sqrt(error), 0, allowed);
    }

    private static double[] Expected(LayerWeights weights, IReadOnlyList<ReferenceExpert> experts, float[] tokens)
    {
        var gate = new GateRules { Experts = 6, TrainedExperts = 2 };
        ReferenceRoutes routes = ReferenceRouter.Route(tokens, weights.Router, null, gate, new RouteRules { MinExperts = 2, MaxExperts = 2 });
        ReferenceFormat format = weights.Format == WeightFormat.BFloat16 ? ReferenceFormat.Bf16 : ReferenceFormat.F32;
        return ReferenceMoE.Forward(new ReferenceLayer { Experts = experts, Format = format }, tokens, routes).Values;
    }

    private static ReferenceExpert Reference(ExpertMatrices expert) => new()
    {
        Kind = ReferenceExpertKind.SwiGlu,
        Hidden = expert.Gate.Columns,
        Width = expert.Gate.Rows,
        Gate = [.. expert.Gate.Values],
        Up = [.. expert.Up.Values],
        Down = [.. expert.Down.Values],
    };
}
