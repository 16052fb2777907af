using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.TestKit.Tests.Routing;

public sealed class ReferenceCapacityTests
{
    // Three tokens, all with expert 0 first; their confidence rises with the token.
    private static ReferenceRoutes Crowded(int k) => ReferenceRouter.Select(
        [2, 1, 0, 3, 1, 0, 4, 1, 0],
        new GateRules { Experts = 3, TrainedExperts = 1 },
        new RouteRules { MinExperts = k, MaxExperts = k, Weighting = ReferenceWeighting.Raw });

    [Theory]
    [InlineData(1f, 6, 3, 2)]
    [InlineData(1.25f, 6, 3, 3)]
    [InlineData(0.1f, 3, 3, 1)]
    [InlineData(1.2f, 100, 10, 12)]
    [InlineData(1.6f, 100, 10, 16)]
    [InlineData(1.7f, 100, 10, 17)]
    [InlineData(0.1f, 100, 10, 1)]
    [InlineData(1.201f, 100, 10, 13)]
    public void Of_WhenFactorIsGiven_IsTheCeiling(float factor, int routes, int experts, int expected) =>
        Assert.Equal(expected, ReferenceCapacity.Of(factor, routes, experts));

    [Fact]
    public void Apply_WhenDropping_TheLargestWeightKeepsThePlace()
    {
        ReferenceRoutes routes = Crowded(1);

        ReferenceCapacity.Apply(routes, 1, ReferenceOverflow.Drop);

        Assert.Equal([[], [], [0]], routes.Ids);
        Assert.Equal(2, routes.OverflowRoutes);
        Assert.Equal(2, routes.DroppedRoutes);
    }

    [Fact]
    public void Apply_WhenRerouting_TheNextChoiceWithRoomIsTaken()
    {
        ReferenceRoutes routes = Crowded(1);

        ReferenceCapacity.Apply(routes, 1, ReferenceOverflow.Reroute);

        // Token 1 has the larger weight, so it takes expert 1 and leaves expert 2 to token 0.
        Assert.Equal([[2], [1], [0]], routes.Ids);
        Assert.Equal(0, routes.DroppedRoutes);
    }

    [Fact]
    public void Apply_WhenARouteIsDropped_TheRestIsRenormalised()
    {
        ReferenceRoutes routes = Crowded(2);
        double before = routes.Weights[2].Sum();

        ReferenceCapacity.Apply(routes, 1, ReferenceOverflow.Drop);

        Assert.Equal([0], routes.Ids[2]);
        Assert.Equal(before, routes.Weights[2][0], 1e-15);
    }

    [Fact]
    public void Apply_WhenNothingIsOver_ChangesNothing()
    {
        ReferenceRoutes routes = Crowded(2);
        double[][] before = [.. routes.Weights];

        ReferenceCapacity.Apply(routes, 3, ReferenceOverflow.Drop);

        Assert.Equal(before, routes.Weights);
        Assert.Equal(0, routes.OverflowRoutes);
    }
}
