using DynamicMoE.TestKit.Routing;

namespace DynamicMoE.TestKit.Tests.Routing;

public sealed class PhiloxTests
{
    // The three known answers that Random123 ships for philox4x32 with 10 rounds.
    public static TheoryData<uint[], uint[], uint[]> KnownAnswers => new()
    {
        { [0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8] },
        {
            [0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF],
            [0xFFFFFFFF, 0xFFFFFFFF],
            [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
        },
        {
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]
        },
    };

    [Theory, MemberData(nameof(KnownAnswers))]
    public void Block_WhenCounterIsKnown_GivesTheKnownAnswer(uint[] counter, uint[] key, uint[] expected) =>
        Assert.Equal(expected, Philox.Block(counter, key));

    [Fact]
    public void Noise_WhenManyAreDrawn_HasMeanZeroAndDeviationOne()
    {
        double sum = 0, squares = 0;
        const int Count = 20000;
        for (int i = 0; i < Count; i++)
        {
            double z = Philox.Noise(7, i / 8, i % 8);
            sum += z;
            squares += z * z;
        }

        Assert.Equal(0, sum / Count, 0.03);
        Assert.Equal(1, squares / Count, 0.03);
    }

    [Fact]
    public void Noise_WhenSeedPositionAndExpertAreZero_IsTheSumOfTheFirstKnownBlock()
    {
        int sum = 0x6627 + 0xE8D5 + 0xE169 + 0xC58D + 0xBC57 + 0xAC4C + 0x9B00 + 0xDBD8;

        Assert.Equal((sum - 262140) * 1.86881e-5f, Philox.Noise(0, 0, 0));
    }

    [Fact]
    public void Noise_WhenAnyKeyPartDiffers_Differs()
    {
        float[] values =
            [Philox.Noise(1, 2, 3), Philox.Noise(2, 2, 3), Philox.Noise(1, 3, 3), Philox.Noise(1, 2, 4), Philox.Noise(1, 2L << 32, 3), Philox.Noise(1UL << 32, 2, 3)];

        Assert.Equal(values.Length, values.Distinct().Count());
    }
}
