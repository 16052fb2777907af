using DynamicMoE.TestKit.Numerics;
using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.Tests.Support;

/// <summary>Compares routing buffers with the double-precision reference.</summary>
internal static class RoutingOracle
{
    /// <summary>Every decision that float rounding cannot change must agree; weights within 4 ulp.</summary>
    public static void AssertMatches(ReferenceRoutes expected, RoutingBuffers actual)
    {
        for (int token = 0; token < expected.Tokens; token++)
        {
            if (expected.IsClose(token))
            {
                continue;
            }

            int[] ids = actual.IndicesOf(token).ToArray();
            Assert.True(expected.Ids[token].SequenceEqual(ids),
                $"token {token}: experts {string.Join(',', ids)}, expected {string.Join(',', expected.Ids[token])}");
            Tolerance.GateWeight.AssertClose(expected.Weights[token], actual.WeightsOf(token));
            Tolerance.Score.AssertClose(expected.Scores[token], actual.ComplexityScores[token]);
            AssertUnusedSlots(actual, token);
        }
    }

    /// <summary>Unused slots hold -1 and 0.</summary>
    public static void AssertUnusedSlots(RoutingBuffers actual, int token)
    {
        for (int slot = actual.ExpertsPerToken[token]; slot < actual.Slots; slot++)
        {
            Assert.Equal(-1, actual.ExpertIndices[token * actual.Slots + slot]);
            Assert.Equal(0f, actual.ExpertWeights[token * actual.Slots + slot]);
        }
    }

    /// <summary>Whether two results agree bit for bit in the given rows.</summary>
    public static void AssertSameRow(RoutingBuffers expected, int expectedToken, RoutingBuffers actual, int actualToken)
    {
        Assert.Equal(expected.IndicesOf(expectedToken).ToArray(), actual.IndicesOf(actualToken).ToArray());
        Assert.Equal(Bits(expected.WeightsOf(expectedToken)), Bits(actual.WeightsOf(actualToken)));
        Assert.Equal(
            BitConverter.SingleToInt32Bits(expected.ComplexityScores[expectedToken]),
            BitConverter.SingleToInt32Bits(actual.ComplexityScores[actualToken]));
    }

    public static int[] Bits(ReadOnlySpan<float> values)
    {
        var bits = new int[values.Length];
        for (int i = 0; i < bits.Length; i++)
        {
            bits[i] = BitConverter.SingleToInt32Bits(values[i]);
        }

        return bits;
    }
}
