using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.Tests.Estimation;

public sealed class QuantileTableTests
{
    [Fact]
    public void TryMap_WhenNothingWasObserved_WritesNothing()
    {
        float[] shares = [7, 7];

        Assert.False(new QuantileTable(0.1).TryMap([1, 2], shares));
        Assert.Equal([7f, 7f], shares);
    }

    [Fact]
    public void TryMap_WhenAllSamplesAreEqual_GivesHalf()
    {
        var table = new QuantileTable(0.1);
        table.Observe([3f, 3f, 3f]);
        table.Observe([3f]);
        var shares = new float[3];

        Assert.True(table.TryMap([2, 3, 4], shares));

        Assert.Equal([0f, 0.5f, 1f], shares);
    }

    [Theory]
    [InlineData(1e-17)]
    [InlineData(double.Epsilon)]
    public void TryMap_WhenHardlyAnythingIsForgotten_WeighsAllSamplesAlike(double smoothing)
    {
        var table = new QuantileTable(smoothing);
        for (int batch = 0; batch < 4; batch++)
        {
            table.Observe([.. Enumerable.Range(0, 64).Select(i => (float)i)]);
        }

        var shares = new float[3];
        Assert.True(table.TryMap([-1, 31.5f, 64], shares));
        Assert.Equal([0f, 0.5f, 1f], shares.Select(share => MathF.Round(share, 2)));
    }

    [Fact]
    public async Task TryMap_WhileSamplesComeIn_SeesWholeTables()
    {
        // Tables of one value each: a mixture of two would give a share between.
        var table = new QuantileTable(1);
        table.Observe([0f]);
        bool done = false;
        Task writer = Task.Run(() =>
        {
            for (int batch = 0; batch < 20_000; batch++)
            {
                float[] samples = new float[64];
                Array.Fill(samples, batch & 1);
                table.Observe(samples);
            }

            Volatile.Write(ref done, true);
        });
        var shares = new float[1];
        var seen = new HashSet<float>();
        do
        {
            Assert.True(table.TryMap([0.5f], shares));
            seen.Add(shares[0]);
        }
        while (!Volatile.Read(ref done));
        await writer;

        Assert.Subset(new HashSet<float> { 0, 1 }, seen);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    public void TryMap_WhenSamplesAreUniform_GivesTheirShare(int batch)
    {
        var random = new SeededRandom(5);
        var table = new QuantileTable(0.02);
        for (int seen = 0; seen < 12_800; seen += batch)
        {
            table.Observe(random.Uniform(batch, 10, 20));
        }

        var shares = new float[5];
        table.TryMap([10, 12.5f, 15, 17.5f, 20], shares);

        // Effective sample size 64 * 2 / 0.02: a standard error of 0.006, and half a knot of 1/128.
        Assert.Equal([0f, 0.25f, 0.5f, 0.75f, 1f], shares, new Near(0.04f));
    }

    [Fact]
    public void Observe_WhenDistributionShifts_ForgetsTheOldOne()
    {
        var random = new SeededRandom(6);
        var table = new QuantileTable(0.1);
        for (int batch = 0; batch < 100; batch++)
        {
            table.Observe(random.Uniform(64, 0, 1));
        }

        for (int batch = 0; batch < 60; batch++)
        {
            table.Observe(random.Uniform(64, 5, 6));
        }

        var shares = new float[2];
        table.TryMap([1, 5.5f], shares);

        Assert.Equal([0f, 0.5f], shares, new Near(0.06f));
    }

    [Property]
    public void TryMap_WhenValuesRise_NeverFalls(int seed)
    {
        var random = new SeededRandom((ulong)(uint)seed);
        var table = new QuantileTable(0.3);
        for (int batch = 0; batch < 5; batch++)
        {
            table.Observe(random.Gaussian(1 + random.NextInt(0, 40)));
        }

        float[] values = random.Gaussian(100, 2);
        Array.Sort(values);
        var shares = new float[values.Length];
        table.TryMap(values, shares);

        for (int i = 1; i < shares.Length; i++)
        {
            Assert.True(shares[i] >= shares[i - 1], $"share of {values[i]} is below that of {values[i - 1]}");
            Assert.InRange(shares[i], 0, 1);
        }
    }

    private sealed class Near(float bound) : IEqualityComparer<float>
    {
        public bool Equals(float x, float y) => Math.Abs(x - y) <= bound;

        public int GetHashCode(float obj) => 0;
    }
}
