using DynamicMoE.TestKit.Memory;

namespace DynamicMoE.Tests.Support;

/// <summary>Asserts that a call allocates nothing on its thread once it is warm.</summary>
internal static class NoAllocation
{
    public static void Assert(Action call) => Xunit.Assert.Equal(0, AllocatedBytes.Least(call));
}
