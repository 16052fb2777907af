using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Tests.Numerics;

public sealed class Bf16Tests
{
    [Theory]
    [InlineData(1f, 0x3F80)]
    [InlineData(-2f, 0xC000)]
    [InlineData(1.00390625f, 0x3F80)] // 1 + 2^-8, half way: to the even neighbour below
    [InlineData(1.01171875f, 0x3F82)] // 1 + 3 * 2^-8, half way: to the even neighbour above
    [InlineData(1.00390637f, 0x3F81)] // just above half way
    [InlineData(3.4028235e38f, 0x7F80)] // the largest float overflows
    [InlineData(0f, 0)]
    public void FromSingle_WhenValueIsGiven_RoundsToNearestEven(float value, int bits) =>
        Assert.Equal(bits, Bf16.FromSingle(value));

    [Fact]
    public void FromSingle_WhenNaNHasPayloadInLowerHalf_StaysNaN()
    {
        float nan = BitConverter.UInt32BitsToSingle(0x7F800001);

        Assert.True(float.IsNaN(Bf16.ToSingle(Bf16.FromSingle(nan))));
    }

    [Fact]
    public void ToSingle_WhenEveryFinitePatternIsWidened_RoundTrips()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            float value = Bf16.ToSingle((ushort)bits);
            if (!float.IsNaN(value))
            {
                Assert.Equal(bits, Bf16.FromSingle(value));
            }
        }
    }
}
