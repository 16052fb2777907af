namespace DynamicMoE.Tests.Support;

/// <summary>Compares what two routers made of the same batch, to the last bit.</summary>
internal static class SameRouting
{
    public static void Assert(RoutingBuffers expected, RoutingBuffers actual, int tokens)
    {
        int cells = tokens * expected.Slots;
        Xunit.Assert.Equal(expected.ExpertIndices.AsSpan(0, cells), actual.ExpertIndices.AsSpan(0, cells));
        Xunit.Assert.Equal(RoutingOracle.Bits(expected.ExpertWeights.AsSpan(0, cells)), RoutingOracle.Bits(actual.ExpertWeights.AsSpan(0, cells)));
        Xunit.Assert.Equal(RoutingOracle.Bits(expected.Gaps.AsSpan(0, cells)), RoutingOracle.Bits(actual.Gaps.AsSpan(0, cells)));
        Xunit.Assert.Equal(expected.ExpertsPerToken.AsSpan(0, tokens), actual.ExpertsPerToken.AsSpan(0, tokens));
        Xunit.Assert.Equal(RoutingOracle.Bits(expected.ComplexityScores.AsSpan(0, tokens)), RoutingOracle.Bits(actual.ComplexityScores.AsSpan(0, tokens)));
        Xunit.Assert.Equal(expected.ExpertRoutes, actual.ExpertRoutes);
        Xunit.Assert.Equal(RoutingOracle.Bits(expected.RouterLogits), RoutingOracle.Bits(actual.RouterLogits));
    }
}
